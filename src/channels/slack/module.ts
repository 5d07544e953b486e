import { either } from '../either.ts'
import { once } from '../../core/once.ts'
import type { ChannelModule, Socket } from '../module.ts'
import { costOf, SLACK_LIMITS } from './costs.ts'
import { normalise } from './normalise.ts'
import { looksSigned, receive } from './receive.ts'
import { readApp, readFixed } from './settings.ts'

/** Slack, of its settings or installed. */
export const slack: ChannelModule = (env, problems) => {
  const fixed = readFixed(env, problems)
  const app = readApp(env, problems)
  if (!fixed && !app) return undefined
  // One app has one signing secret, however often it is installed.
  const signingSecret = fixed?.signingSecret ?? app?.signingSecret
  const appToken = fixed?.appToken
  return {
    name: 'slack',
    isFixed: fixed !== undefined,
    secrets: [fixed?.botToken, fixed?.signingSecret, appToken, app?.clientSecret, app?.signingSecret],
    addresses: [['SLACK_API_URL', fixed?.apiUrl ?? app?.apiUrl]],
    repositories: [],
    limits: SLACK_LIMITS,
    costOf,
    open: fixed?.botToken ? async ({ reading }) => (await import('./open.ts')).openSlack(fixed, reading) : undefined,
    verifier: signingSecret
      ? ({ previous }) => ({
          looksSigned: (headers) => looksSigned(headers, Date.now()),
          receive: (headers, body) =>
            either([signingSecret, previous('SLACK_SIGNING_SECRET')], (secret) =>
              receive(headers, body, secret, Date.now()),
            ),
        })
      : undefined,
    readEarly: normalise,
    socket:
      fixed && appToken
        ? ({ store, log }) =>
            lazily(async () =>
              (await import('./socket.ts')).slackSocket({ appToken, apiUrl: fixed.apiUrl }, store, log),
            )
        : undefined,
    app: app && {
      installer: async () => (await import('./install.ts')).slackInstaller(app),
      open: async ({ tokens }, { reading }) =>
        (await import('./open.ts')).openSlack({ botToken: tokens.accessToken, apiUrl: app.apiUrl }, reading),
    },
  }
}

/** A connection whose library is loaded when it is started. */
function lazily(load: () => Promise<Socket>): Socket {
  const loaded = once(load)
  return {
    start: async () => (await loaded()).start(),
    stop: async () => (await loaded()).stop(),
  }
}
