import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { looksSigned as clickupLooks, receive as receiveClickup } from '../channels/clickup/receive.ts'
import { arrivalOf as jiraArrival, looksSigned as jiraLooks, receive as receiveJira } from '../channels/jira/receive.ts'
import { headerIn, unreadable } from '../channels/signature.ts'
import { isTooDeep, jsonIn } from '../core/json.ts'
import { looksSigned as slackLooks, receive as receiveSlack } from '../channels/slack/receive.ts'
import type { Headers, Received, Verifier } from '../channels/types.ts'
import type { ChannelSettings } from '../config/channels.ts'
import type { Previous } from '../config/previous.ts'
import { isSameSecret } from '../core/hash.ts'
import type { ChannelName } from '../core/said.ts'
import type { Installs } from './installs.ts'

/** Two secrets are valid while one takes the other's place. */
export function either(secrets: readonly (string | undefined)[], check: (secret: string) => Received): Received {
  const found = secrets.filter((secret) => secret !== undefined).map(check)
  return found.find(({ ok }) => ok) ?? found[0] ?? WRONG
}

type Verifiers = Readonly<Record<ChannelName, Verifier | undefined>>
const WRONG = { ok: false, status: 401, detail: 'The signature is missing or wrong.' } as const

/** Who checks the webhooks of a channel; undefined: it is not switched on, or takes none. */
export function verifiersOf(settings: ChannelSettings, previous: Previous, installs: Installs | undefined): Verifiers {
  const { slack, jira, clickup, installs: apps } = settings
  // One app has one signing secret, however often it is installed.
  const slackSecret = slack?.signingSecret ?? apps?.slack?.signingSecret
  return {
    slack: slackSecret
      ? {
          looksSigned: (headers) => slackLooks(headers, Date.now()),
          receive: (headers, body) =>
            either([slackSecret, previous.SLACK_SIGNING_SECRET], (secret) =>
              receiveSlack(headers, body, secret, Date.now()),
            ),
        }
      : undefined,
    jira:
      jira || apps?.jira
        ? { looksSigned: jiraLooks, receive: (headers, body) => fromJira(settings, previous, headers, body) }
        : undefined,
    clickup:
      clickup || apps?.clickup
        ? {
            looksSigned: clickupLooks,
            receive: (headers, body) => fromClickup(settings, previous, installs, headers, body),
          }
        : undefined,
  }
}

/** A site's own webhook carries a signature over its body, an installed app's a token that the app's secret signed. */
function fromJira({ jira, installs }: ChannelSettings, previous: Previous, headers: Headers, body: Buffer): Received {
  const bearer = /^(?:JWT|Bearer) (.+)$/.exec(headerIn(headers, 'authorization') ?? '')?.[1]
  if (bearer && installs?.jira) {
    const secrets = [installs.jira.clientSecret, previous.JIRA_CLIENT_SECRET]
    if (!secrets.some((secret) => secret !== undefined && isToken(bearer, secret))) return WRONG
    if (isTooDeep(body)) return { ok: true, arrival: unreadable('jira', body) }
    const payload = jsonIn(body)
    return typeof payload === 'object' && payload !== null
      ? { ok: true, arrival: jiraArrival(payload, body, headerIn(headers, 'x-atlassian-webhook-identifier')) }
      : { ok: false, status: 400, detail: 'The body is not the JSON of a webhook.' }
  }
  if (!jira) return WRONG
  return either([jira.webhookSecret, previous.JIRA_WEBHOOK_SECRET], (secret) => receiveJira(headers, body, secret))
}

const Claims = z.object({ exp: z.number().optional(), iss: z.string().optional() })

/** A JSON Web Token (RFC 7519) signed with HS256, and not run out. Nothing else is accepted, whatever its header says. */
export function isToken(token: string, secret: string, now = Date.now()): boolean {
  const [head = '', payload = '', signature = ''] = token.split('.')
  const wanted = createHmac('sha256', secret).update(`${head}.${payload}`).digest()
  if (!isSameSecret(Buffer.from(signature, 'base64url'), wanted)) return false
  const header = z.object({ alg: z.literal('HS256') }).safeParse(jsonIn(Buffer.from(head, 'base64url')))
  const claims = Claims.safeParse(jsonIn(Buffer.from(payload, 'base64url')))
  return header.success && claims.success && (claims.data.exp ?? 0) * 1000 > now
}

const Hook = z.looseObject({ webhook_id: z.string() })

/** ClickUp gives every webhook a secret of its own: which one it is stands in the body, and is believed when its secret fits. */
async function fromClickup(
  { clickup }: ChannelSettings,
  previous: Previous,
  installs: Installs | undefined,
  headers: Headers,
  body: Buffer,
): Promise<Received> {
  const own =
    clickup &&
    either([clickup.webhookSecret, previous.CLICKUP_WEBHOOK_SECRET], (secret) =>
      receiveClickup(headers, body, secret, clickup.team),
    )
  if (own?.ok || !installs) return own ?? WRONG
  const hook = Hook.safeParse(jsonIn(body))
  const kept = hook.success ? await installs.kept('clickup') : []
  const found = kept.find(({ tokens }) => tokens.extra['webhook'] === hook.data?.webhook_id)
  const secret = found?.tokens.extra['webhookSecret']
  return found && secret ? receiveClickup(headers, body, secret, found.account) : (own ?? WRONG)
}
