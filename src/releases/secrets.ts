import { z } from 'zod'
import type { Env } from '../core/environment.ts'
import { UserError } from '../core/errors.ts'
import { listed } from './listed.ts'
import type { Environment, ReleaseRow } from './types.ts'

/** The name of a variable. */
export const VARIABLE = z.string().regex(/^[A-Z_][A-Z0-9_]*$/)

/** The key of an environment that names what it wants. */
export const SECRETS_KEY = z
  .array(VARIABLE)
  .max(50)
  .default([])
  .describe('Variables of the server that it is given, where the operator lets this environment have them.')

/** A variable of the server's that one environment may have. */
interface Allowed {
  /** `owner/name` in small letters */
  readonly repository: string
  readonly environment: string
  readonly variable: string
}

const ENTRY = /^([\w.-]+\/[\w.-]+):([\w.-]+):([A-Z_][A-Z0-9_]*)$/

/** What the operator allows, as `MUSTER_DEPLOY_SECRETS=owner/name:environment:VARIABLE`, several with commas; undefined where that cannot be read. */
export function allowedSecrets(env: Env): readonly Allowed[] | undefined {
  return listed(env['MUSTER_DEPLOY_SECRETS'], (one) => {
    const [, repository = '', environment = '', variable = ''] = ENTRY.exec(one) ?? []
    return repository === '' ? undefined : { repository: repository.toLowerCase(), environment, variable }
  })
}

/** Their values, and what lets Muster deploy: they are shown nowhere. */
export function deploySecrets(env: Env): string[] {
  const allowed = (allowedSecrets(env) ?? []).map(({ variable }) => variable)
  return ['CLOUDFLARE_API_TOKEN', ...allowed].flatMap((variable) => env[variable] || [])
}

/** The secrets of an environment. @throws UserError where one is not allowed, or not there */
export function secretsFor(
  { repository, name }: Pick<Environment, 'repository' | 'name'>,
  wanted: readonly string[],
  env: Env,
): Record<string, string> {
  const allowed = (allowedSecrets(env) ?? []).filter(
    (one) => one.repository === repository.toLowerCase() && one.environment === name,
  )
  const entries = wanted.map((variable) => {
    if (!allowed.some((one) => one.variable === variable))
      throw new UserError('secret_not_allowed', `Deploys to \`${name}\` may not have \`${variable}\`.`, {
        hint: `The operator allows it with MUSTER_DEPLOY_SECRETS=${repository}:${name}:${variable}.`,
      })
    const value = env[variable]
    if (!value)
      throw new UserError(
        'secret_missing',
        `\`${variable}\`, which deploys to \`${name}\` want, is not set on the server.`,
        { hint: 'The operator sets it where Muster is started.' },
      )
    return [variable, value] as const
  })
  return Object.fromEntries(entries)
}

/** The secrets of a release, by their names. @throws UserError as above */
export function secretsOf(
  { repository, environment, command }: Pick<ReleaseRow, 'repository' | 'environment' | 'command'>,
  env: Env,
): Record<string, string> {
  return secretsFor({ repository, name: environment }, command.secrets ?? [], env)
}
