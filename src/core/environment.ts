import { withoutEnd } from './text.ts'

/** How the environment is read by whoever has settings of its own there. Pure; what is wrong is collected, so that all of it is told at once. */

export type Env = Readonly<Record<string, string | undefined>>

export interface EnvProblem {
  readonly variable: string
  readonly wrong: string
  readonly example: string
}

/** Which repository a project's tickets are about: by the key of the project (Jira), or the id of a list, folder or space (ClickUp). */
export type RepositoryMap = ReadonlyMap<string, { readonly owner: string; readonly name: string }>

/** An app that people install into workspaces and sites. */
export interface OAuth {
  readonly clientId: string
  readonly clientSecret: string
}

/** `KEY=owner/name`, several with commas between. */
export function repositories(env: Env, variable: string, example: string, problems: EnvProblem[]): RepositoryMap {
  const found = new Map<string, { owner: string; name: string }>()
  for (const part of (env[variable] ?? '').split(',').map((one) => one.trim())) {
    if (part === '') continue
    const [, key, owner, name] = /^([\w-]{1,60})\s*=\s*([A-Za-z\d][\w-]{0,38})\/([\w.-]{1,100})$/.exec(part) ?? []
    if (key && owner && name) found.set(key.toUpperCase(), { owner, name })
    else problems.push({ variable, wrong: `"${part.slice(0, 80)}" is not KEY=owner/name`, example })
  }
  return found
}

export function yes(env: Env, variable: string, problems: EnvProblem[]): boolean {
  const value = env[variable] || 'no'
  if (value !== 'yes' && value !== 'no')
    problems.push({ variable, wrong: `"${value}" is neither yes nor no`, example: 'yes' })
  return value === 'yes'
}

/** Whether an app is set up for installing. @param name what its variables begin with */
export function isInstallable(env: Env, name: string): boolean {
  return Boolean(env[`${name}_CLIENT_ID`] || env[`${name}_CLIENT_SECRET`])
}

/** @param channel as people call it */
export function oauth(env: Env, name: string, channel: string, problems: EnvProblem[]): OAuth {
  return {
    clientId: needed(env, `${name}_CLIENT_ID`, channel, '1234567890.1234567890', problems),
    clientSecret: needed(env, `${name}_CLIENT_SECRET`, channel, "<the app's client secret>", problems),
  }
}

/** Text of an example that was copied as it stands: no shell reads a `.env` file. */
export function isPlaceholder(value: string): boolean {
  return /^\$\(|^<.*>$|…/.test(value)
}

/** The operator's key, with which whatever is secret and stored is sealed. */
export function secretKey(env: Env, problems: EnvProblem[]): string {
  const value = env['MUSTER_SECRET_KEY'] ?? ''
  if (value.length < 32 || isPlaceholder(value))
    problems.push({
      variable: 'MUSTER_SECRET_KEY',
      wrong: 'is missing or shorter than 32 characters: tokens and keys that are stored are sealed with it',
      example: '<the output of: openssl rand -hex 32>',
    })
  return value
}

export function needed(env: Env, variable: string, channel: string, example: string, problems: EnvProblem[]): string {
  const value = env[variable] ?? ''
  if (value === '')
    problems.push({ variable, wrong: `is missing, while other settings of ${channel} are there`, example })
  return value
}

export function secret(env: Env, variable: string, problems: EnvProblem[]): string {
  const value = env[variable] ?? ''
  const wrong =
    value === ''
      ? 'is missing: without it anybody could send events'
      : isPlaceholder(value)
        ? 'is the placeholder of an example, which everybody knows'
        : value.length < 8
          ? 'is too short to be a secret'
          : undefined
  if (wrong) problems.push({ variable, wrong, example: '<the output of: openssl rand -hex 24>' })
  return value
}

/** @param otherwise the address of the service for everybody */
export function address(
  env: Env,
  variable: string,
  otherwise: string,
  problems: EnvProblem[],
  example = otherwise,
): string {
  const value = env[variable] || otherwise
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol))
    problems.push({ variable, wrong: `"${value}" is no http(s) URL`, example })
  return withoutEnd(value, '/')
}

/** Where packages are installed that only some need, plug-ins among them: an installation of Muster's own leaves that alone. May be relative. */
export function packagesFolder(env: Env): string {
  return env['MUSTER_PLUGINS_DIR'] || `${env['MUSTER_DATA'] || '.muster'}/plugins`
}
