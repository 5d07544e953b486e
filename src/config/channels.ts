import { withoutEnd } from '../core/text.ts'
import type { EnvProblem } from './env.ts'

/** Slack, switched on by its bot token. Events come over HTTP (signing secret) or a socket (app token), or both. */
export interface SlackSettings {
  readonly botToken: string
  readonly signingSecret: string | undefined
  readonly appToken: string | undefined
  readonly apiUrl: string
}

export interface JiraSettings {
  readonly host: string
  readonly email: string
  readonly apiToken: string
  readonly webhookSecret: string
  readonly repositories: RepositoryMap
  readonly trustEmail: boolean
}

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

/** Which repository a project's tickets are about: by the key of the project (Jira), or the id of a list, folder or space (ClickUp). */
export type RepositoryMap = ReadonlyMap<string, { readonly owner: string; readonly name: string }>

/** What an app needs that people install into workspaces and sites, in place of (or beside) the tokens of one. */
export interface InstallSettings {
  /** Seals the tokens in the database. */
  readonly secretKey: string
  readonly slack:
    | (OAuth & { readonly apiUrl: string; readonly authorizeUrl: string; readonly signingSecret: string })
    | undefined
  readonly jira:
    | (OAuth & {
        readonly authUrl: string
        readonly gatewayUrl: string
        readonly repositories: RepositoryMap
        readonly trustEmail: boolean
      })
    | undefined
  readonly clickup:
    | (OAuth & Omit<ClickupSettings, 'apiToken' | 'webhookSecret' | 'team'> & { readonly authorizeUrl: string })
    | undefined
}

interface OAuth {
  readonly clientId: string
  readonly clientSecret: string
}

/** The channels beside GitHub that are switched on. */
export interface ChannelSettings {
  /** Undefined: no app is set up for installing. */
  readonly installs: InstallSettings | undefined
  readonly slack: SlackSettings | undefined
  readonly jira: JiraSettings | undefined
  readonly clickup: ClickupSettings | undefined
}

type Env = Readonly<Record<string, string | undefined>>

/** Reads which channels are switched on; one that is half set is a problem, never a channel with a hole. */
export function readChannels(env: Env, problems: EnvProblem[]): ChannelSettings {
  return {
    slack: slack(env, problems),
    jira: jira(env, problems),
    clickup: clickup(env, problems),
    installs: readInstalls(env, problems),
  }
}

function slack(env: Env, problems: EnvProblem[]): SlackSettings | undefined {
  const names = ['SLACK_BOT_TOKEN', 'SLACK_SIGNING_SECRET', 'SLACK_APP_TOKEN']
  // An app that is installed has the signing secret too.
  if (!names.some((name) => env[name]) || (env['SLACK_CLIENT_ID'] && !env['SLACK_BOT_TOKEN'])) return undefined
  const botToken = needed(env, 'SLACK_BOT_TOKEN', 'Slack', 'xoxb-…', problems)
  if (!env['SLACK_SIGNING_SECRET'] && !env['SLACK_APP_TOKEN'])
    problems.push({
      variable: 'SLACK_SIGNING_SECRET',
      wrong: 'is missing: without it anybody could send events (or set SLACK_APP_TOKEN for a socket)',
      example: '<"Signing Secret" under "Basic Information" of the Slack app>',
    })
  return {
    botToken,
    signingSecret: env['SLACK_SIGNING_SECRET'] ? secret(env, 'SLACK_SIGNING_SECRET', problems) : undefined,
    appToken: env['SLACK_APP_TOKEN'] || undefined,
    apiUrl: address(env, 'SLACK_API_URL', 'https://slack.com/api', problems),
  }
}

function jira(env: Env, problems: EnvProblem[]): JiraSettings | undefined {
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

function clickup(env: Env, problems: EnvProblem[]): ClickupSettings | undefined {
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

/** `KEY=owner/name`, several with commas between. */
function repositories(env: Env, variable: string, example: string, problems: EnvProblem[]): RepositoryMap {
  const found = new Map<string, { owner: string; name: string }>()
  for (const part of (env[variable] ?? '').split(',').map((one) => one.trim())) {
    if (part === '') continue
    const [, key, owner, name] = /^([\w-]{1,60})\s*=\s*([A-Za-z\d][\w-]{0,38})\/([\w.-]{1,100})$/.exec(part) ?? []
    if (key && owner && name) found.set(key.toUpperCase(), { owner, name })
    else problems.push({ variable, wrong: `"${part.slice(0, 80)}" is not KEY=owner/name`, example })
  }
  return found
}

function yes(env: Env, variable: string, problems: EnvProblem[]): boolean {
  const value = env[variable] || 'no'
  if (value !== 'yes' && value !== 'no')
    problems.push({ variable, wrong: `"${value}" is neither yes nor no`, example: 'yes' })
  return value === 'yes'
}

/** Apps that people install: each by its client id. */
function readInstalls(env: Env, problems: EnvProblem[]): InstallSettings | undefined {
  const on = (name: string) => Boolean(env[`${name}_CLIENT_ID`] || env[`${name}_CLIENT_SECRET`])
  if (!['SLACK', 'JIRA', 'CLICKUP'].some(on)) return undefined
  const app = (name: string, channel: string): OAuth => ({
    clientId: needed(env, `${name}_CLIENT_ID`, channel, '1234567890.1234567890', problems),
    clientSecret: needed(env, `${name}_CLIENT_SECRET`, channel, "<the app's client secret>", problems),
  })
  return {
    secretKey: secretKey(env, problems),
    slack: on('SLACK')
      ? {
          ...app('SLACK', 'Slack'),
          signingSecret: secret(env, 'SLACK_SIGNING_SECRET', problems),
          apiUrl: address(env, 'SLACK_API_URL', 'https://slack.com/api', problems),
          authorizeUrl: address(env, 'SLACK_AUTHORIZE_URL', 'https://slack.com/oauth/v2/authorize', problems),
        }
      : undefined,
    jira: on('JIRA')
      ? {
          ...app('JIRA', 'Jira'),
          authUrl: address(env, 'JIRA_AUTH_URL', 'https://auth.atlassian.com', problems),
          gatewayUrl: address(env, 'JIRA_GATEWAY_URL', 'https://api.atlassian.com', problems),
          repositories: repositories(env, 'JIRA_PROJECTS', 'SHOP=acme/web,OPS=acme/infra', problems),
          trustEmail: yes(env, 'JIRA_TRUST_EMAIL', problems),
        }
      : undefined,
    clickup: on('CLICKUP')
      ? {
          ...app('CLICKUP', 'ClickUp'),
          apiUrl: address(env, 'CLICKUP_API_URL', 'https://api.clickup.com/api/v2', problems),
          authorizeUrl: address(env, 'CLICKUP_AUTHORIZE_URL', 'https://app.clickup.com/api', problems),
          repositories: repositories(env, 'CLICKUP_LISTS', '901234567890=acme/web', problems),
          trustEmail: yes(env, 'CLICKUP_TRUST_EMAIL', problems),
          pullField: env['CLICKUP_PULL_FIELD'] || 'Pull request',
        }
      : undefined,
  }
}

/** The operator's key, with which whatever is secret and stored is sealed. */
export function secretKey(env: Env, problems: EnvProblem[]): string {
  const value = env['MUSTER_SECRET_KEY'] ?? ''
  if (value.length < 32 || /^\$\(|^<.*>$|…/.test(value))
    problems.push({
      variable: 'MUSTER_SECRET_KEY',
      wrong: 'is missing or shorter than 32 characters: tokens and keys that are stored are sealed with it',
      example: '<the output of: openssl rand -hex 32>',
    })
  return value
}

function needed(env: Env, variable: string, channel: string, example: string, problems: EnvProblem[]): string {
  const value = env[variable] ?? ''
  if (value === '')
    problems.push({ variable, wrong: `is missing, while other settings of ${channel} are there`, example })
  return value
}

function secret(env: Env, variable: string, problems: EnvProblem[]): string {
  const value = env[variable] ?? ''
  const wrong =
    value === ''
      ? 'is missing: without it anybody could send events'
      : /^\$\(|^<.*>$|…/.test(value)
        ? 'is the placeholder of an example, which everybody knows'
        : value.length < 8
          ? 'is too short to be a secret'
          : undefined
  if (wrong) problems.push({ variable, wrong, example: '<the output of: openssl rand -hex 24>' })
  return value
}

function address(env: Env, variable: string, otherwise: string, problems: EnvProblem[]): string {
  const value = env[variable] || otherwise
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol))
    problems.push({ variable, wrong: `"${value}" is no http(s) URL`, example: otherwise })
  return withoutEnd(value, '/')
}
