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

export interface JiraSettings {
  readonly host: string
  readonly email: string
  readonly apiToken: string
  readonly webhookSecret: string
  readonly repositories: RepositoryMap
  readonly trustEmail: boolean
}

export function readFixed(env: Env, problems: EnvProblem[]): JiraSettings | undefined {
  const names = ['JIRA_HOST', 'JIRA_EMAIL', 'JIRA_API_TOKEN', 'JIRA_WEBHOOK_SECRET']
  if (!names.some((name) => env[name])) return undefined
  needed(env, 'JIRA_HOST', 'Jira', 'https://acme.atlassian.net', problems)
  return {
    host: address(env, 'JIRA_HOST', 'https://acme.atlassian.net', problems),
    email: needed(env, 'JIRA_EMAIL', 'Jira', 'muster@acme.example', problems),
    apiToken: needed(env, 'JIRA_API_TOKEN', 'Jira', '<an API token of that account>', problems),
    webhookSecret: secret(env, 'JIRA_WEBHOOK_SECRET', problems),
    repositories: repositories(env, 'JIRA_PROJECTS', 'SHOP=acme/web,OPS=acme/infra', problems),
    trustEmail: yes(env, 'JIRA_TRUST_EMAIL', problems),
  }
}

export type JiraApp = NonNullable<ReturnType<typeof readApp>>

/** The app that people install. */
export function readApp(env: Env, problems: EnvProblem[]) {
  if (!isInstallable(env, 'JIRA')) return undefined
  return {
    ...oauth(env, 'JIRA', 'Jira', problems),
    authUrl: address(env, 'JIRA_AUTH_URL', 'https://auth.atlassian.com', problems),
    gatewayUrl: address(env, 'JIRA_GATEWAY_URL', 'https://api.atlassian.com', problems),
    repositories: repositories(env, 'JIRA_PROJECTS', 'SHOP=acme/web,OPS=acme/infra', problems),
    trustEmail: yes(env, 'JIRA_TRUST_EMAIL', problems),
  }
}
