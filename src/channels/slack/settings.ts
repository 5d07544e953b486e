import { address, type Env, type EnvProblem, isInstallable, needed, oauth, secret } from '../../core/environment.ts'

/** Slack, switched on by its bot token. Events come over HTTP (signing secret) or a socket (app token), or both. */
export interface SlackSettings {
  readonly botToken: string
  readonly signingSecret: string | undefined
  readonly appToken: string | undefined
  readonly apiUrl: string
}

export function readFixed(env: Env, problems: EnvProblem[]): SlackSettings | undefined {
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

export type SlackApp = NonNullable<ReturnType<typeof readApp>>

/** The app that people install. */
export function readApp(env: Env, problems: EnvProblem[]) {
  if (!isInstallable(env, 'SLACK')) return undefined
  return {
    ...oauth(env, 'SLACK', 'Slack', problems),
    signingSecret: secret(env, 'SLACK_SIGNING_SECRET', problems),
    apiUrl: address(env, 'SLACK_API_URL', 'https://slack.com/api', problems),
    authorizeUrl: address(env, 'SLACK_AUTHORIZE_URL', 'https://slack.com/oauth/v2/authorize', problems),
  }
}
