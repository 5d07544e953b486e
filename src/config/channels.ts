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
}

export interface ClickupSettings {
  readonly apiToken: string
  readonly webhookSecret: string
  readonly apiUrl: string
}

/** The channels beside GitHub that are switched on. */
export interface ChannelSettings {
  readonly slack: SlackSettings | undefined
  readonly jira: JiraSettings | undefined
  readonly clickup: ClickupSettings | undefined
}

type Env = Readonly<Record<string, string | undefined>>

/** Reads which channels are switched on; one that is half set is a problem, never a channel with a hole. */
export function readChannels(env: Env, problems: EnvProblem[]): ChannelSettings {
  return { slack: slack(env, problems), jira: jira(env, problems), clickup: clickup(env, problems) }
}

function slack(env: Env, problems: EnvProblem[]): SlackSettings | undefined {
  const names = ['SLACK_BOT_TOKEN', 'SLACK_SIGNING_SECRET', 'SLACK_APP_TOKEN']
  if (!names.some((name) => env[name])) return undefined
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
  }
}

function clickup(env: Env, problems: EnvProblem[]): ClickupSettings | undefined {
  if (!env['CLICKUP_API_TOKEN'] && !env['CLICKUP_WEBHOOK_SECRET']) return undefined
  return {
    apiToken: needed(env, 'CLICKUP_API_TOKEN', 'ClickUp', 'pk_…', problems),
    webhookSecret: secret(env, 'CLICKUP_WEBHOOK_SECRET', problems),
    apiUrl: address(env, 'CLICKUP_API_URL', 'https://api.clickup.com/api/v2', problems),
  }
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
  return value.replace(/\/+$/, '')
}
