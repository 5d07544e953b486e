import type { EnvProblem } from '../core/environment.ts'

/** Secrets of which the one before still counts while a new one is being brought in: `NAME_PREVIOUS`. */
export const ROTATED = [
  'WEBHOOK_SECRET',
  'SLACK_SIGNING_SECRET',
  'JIRA_WEBHOOK_SECRET',
  'JIRA_CLIENT_SECRET',
  'CLICKUP_WEBHOOK_SECRET',
  'MUSTER_API_TOKEN',
  'MUSTER_SECRET_KEY',
] as const

export type Previous = Readonly<Partial<Record<(typeof ROTATED)[number], string>>>

export function readPrevious(env: Readonly<Record<string, string | undefined>>, problems: EnvProblem[]): Previous {
  const found = ROTATED.flatMap((name) => {
    const variable = `${name}_PREVIOUS`
    const value = env[variable]
    if (!value) return []
    const wrong = !env[name]
      ? `is set, while ${name} itself is not`
      : value.length < 8
        ? 'is too short to be a secret'
        : undefined
    if (wrong) problems.push({ variable, wrong, example: `<what ${name} was before>` })
    return [[name, value] as const]
  })
  return Object.fromEntries(found)
}
