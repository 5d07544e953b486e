import { isTooDeep, jsonIn } from '../../core/json.ts'
import { either, WRONG } from '../either.ts'
import type { ChannelModule, VerifyDeps } from '../module.ts'
import { headerIn, unreadable } from '../signature.ts'
import type { Headers, Received } from '../types.ts'
import { costOf, JIRA_LIMITS } from './costs.ts'
import { arrivalOf, looksSigned, receive } from './receive.ts'
import { type JiraApp, type JiraSettings, readApp, readFixed } from './settings.ts'
import { isToken } from './token.ts'

/** Jira, of its settings or installed. */
export const jira: ChannelModule = (env, problems) => {
  const fixed = readFixed(env, problems)
  const app = readApp(env, problems)
  if (!fixed && !app) return undefined
  return {
    name: 'jira',
    isFixed: fixed !== undefined,
    secrets: [fixed?.apiToken, fixed?.webhookSecret, app?.clientSecret],
    addresses: [['JIRA_HOST', fixed?.host ?? app?.gatewayUrl]],
    repositories: [fixed?.repositories, app?.repositories].filter((one) => one !== undefined),
    limits: JIRA_LIMITS,
    costOf,
    open: fixed && (async ({ reading }) => (await import('./open.ts')).openJira(fixed, reading)),
    verifier: (deps) => ({
      looksSigned,
      receive: (headers, body) => received(fixed, app, deps, headers, body),
    }),
    app: app && {
      installer: async () =>
        (await import('./install.ts')).jiraInstaller({ ...app, projects: [...app.repositories.keys()] }),
      open: async (at, { reading }) => (await import('./open.ts')).openInstalledJira(app, at, reading),
    },
  }
}

/** A site's own webhook carries a signature over its body, an installed app's a token that the app's secret signed. */
async function received(
  fixed: JiraSettings | undefined,
  app: JiraApp | undefined,
  { previous }: VerifyDeps,
  headers: Headers,
  body: Buffer,
): Promise<Received> {
  const bearer = /^(?:JWT|Bearer) (.+)$/.exec(headerIn(headers, 'authorization') ?? '')?.[1]
  if (bearer && app) {
    const secrets = [app.clientSecret, previous('JIRA_CLIENT_SECRET')]
    for (const secret of secrets)
      if (secret !== undefined && (await isToken(bearer, secret))) return installed(headers, body)
    return WRONG
  }
  if (!fixed) return WRONG
  return either([fixed.webhookSecret, previous('JIRA_WEBHOOK_SECRET')], (secret) => receive(headers, body, secret))
}

function installed(headers: Headers, body: Buffer): Received {
  if (isTooDeep(body)) return { ok: true, arrival: unreadable('jira', body) }
  const payload = jsonIn(body)
  return typeof payload === 'object' && payload !== null
    ? { ok: true, arrival: arrivalOf(payload, body, headerIn(headers, 'x-atlassian-webhook-identifier')) }
    : { ok: false, status: 400, detail: 'The body is not the JSON of a webhook.' }
}
