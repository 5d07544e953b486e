import {
  address,
  type Env,
  type EnvProblem,
  isInstallable,
  needed,
  oauth,
  repositories,
  type RepositoryMap,
  secret,
  yes,
} from '../../core/environment.ts'

export interface ClickupSettings {
  readonly apiToken: string
  readonly webhookSecret: string
  readonly apiUrl: string
  /** The workspace, by its id. */
  readonly team: string
  readonly repositories: RepositoryMap
  readonly trustEmail: boolean
  /** The name of the custom field that shows the pull request. */
  readonly pullField: string
}

export function readFixed(env: Env, problems: EnvProblem[]): ClickupSettings | undefined {
  const names = ['CLICKUP_API_TOKEN', 'CLICKUP_WEBHOOK_SECRET', 'CLICKUP_TEAM_ID']
  if (!names.some((name) => env[name])) return undefined
  return {
    apiToken: needed(env, 'CLICKUP_API_TOKEN', 'ClickUp', 'pk_…', problems),
    webhookSecret: secret(env, 'CLICKUP_WEBHOOK_SECRET', problems),
    apiUrl: address(env, 'CLICKUP_API_URL', 'https://api.clickup.com/api/v2', problems),
    team: needed(env, 'CLICKUP_TEAM_ID', 'ClickUp', '9012345678', problems),
    repositories: repositories(env, 'CLICKUP_LISTS', '901234567890=acme/web', problems),
    trustEmail: yes(env, 'CLICKUP_TRUST_EMAIL', problems),
    pullField: env['CLICKUP_PULL_FIELD'] || 'Pull request',
  }
}

export type ClickupApp = NonNullable<ReturnType<typeof readApp>>

/** The app that people install. */
export function readApp(env: Env, problems: EnvProblem[]) {
  if (!isInstallable(env, 'CLICKUP')) return undefined
  return {
    ...oauth(env, 'CLICKUP', 'ClickUp', problems),
    apiUrl: address(env, 'CLICKUP_API_URL', 'https://api.clickup.com/api/v2', problems),
    authorizeUrl: address(env, 'CLICKUP_AUTHORIZE_URL', 'https://app.clickup.com/api', problems),
    repositories: repositories(env, 'CLICKUP_LISTS', '901234567890=acme/web', problems),
    trustEmail: yes(env, 'CLICKUP_TRUST_EMAIL', problems),
    pullField: env['CLICKUP_PULL_FIELD'] || 'Pull request',
  }
}
