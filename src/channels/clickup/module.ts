import { z } from 'zod'
import { jsonIn } from '../../core/json.ts'
import { either, WRONG } from '../either.ts'
import type { ChannelModule, VerifyDeps } from '../module.ts'
import type { Headers, Received } from '../types.ts'
import { costOf, CLICKUP_LIMITS } from './costs.ts'
import { looksSigned, receive } from './receive.ts'
import { type ClickupSettings, readApp, readFixed } from './settings.ts'

/** ClickUp, of its settings or installed. */
export const clickup: ChannelModule = (env, problems) => {
  const fixed = readFixed(env, problems)
  const app = readApp(env, problems)
  if (!fixed && !app) return undefined
  return {
    name: 'clickup',
    isFixed: fixed !== undefined,
    secrets: [fixed?.apiToken, fixed?.webhookSecret, app?.clientSecret],
    addresses: [['CLICKUP_API_URL', fixed?.apiUrl ?? app?.apiUrl]],
    repositories: [fixed?.repositories, app?.repositories].filter((one) => one !== undefined),
    limits: CLICKUP_LIMITS,
    costOf,
    open: fixed && (async (deps) => (await import('./open.ts')).openClickup(fixed, deps)),
    verifier: (deps) => ({
      looksSigned,
      receive: (headers, body) => received(fixed, deps, headers, body),
    }),
    app: app && {
      installer: async () => (await import('./install.ts')).clickupInstaller(app),
      open: async ({ account, tokens }, deps) =>
        (await import('./open.ts')).openClickup(
          { ...app, apiToken: `Bearer ${tokens.accessToken}`, team: account },
          deps,
        ),
    },
  }
}

const Hook = z.looseObject({ webhook_id: z.string() })

/** ClickUp gives every webhook a secret of its own: which one it is stands in the body, and is believed when its secret fits. */
async function received(
  fixed: ClickupSettings | undefined,
  { previous, kept }: VerifyDeps,
  headers: Headers,
  body: Buffer,
): Promise<Received> {
  const own =
    fixed &&
    either([fixed.webhookSecret, previous('CLICKUP_WEBHOOK_SECRET')], (secret) =>
      receive(headers, body, secret, fixed.team),
    )
  if (own?.ok || !kept) return own ?? WRONG
  const hook = Hook.safeParse(jsonIn(body))
  const all = hook.success ? await kept() : []
  const found = all.find(({ tokens }) => tokens.extra['webhook'] === hook.data?.webhook_id)
  const secret = found?.tokens.extra['webhookSecret']
  return found && secret ? receive(headers, body, secret, found.account) : (own ?? WRONG)
}
