import type { Sender } from '../../../src/channels/types.ts'
import { openStorage } from '../../../src/operate/storage.ts'
import { limitsIn } from '../../../src/channels/connected.ts'
import { readChannels } from '../../../src/channels/registry.ts'
import { leaseKeeper } from '../../../src/leases/keeper.ts'
import { sharedLimiter } from '../../../src/outbox/limiter.ts'
import { createOutbox } from '../../../src/outbox/outbox.ts'
import type { Context } from './suite.ts'

/** Every channel is switched on. */
const ALL = { SLACK_BOT_TOKEN: 'xoxb-1', JIRA_HOST: 'https://acme.atlassian.net', CLICKUP_API_TOKEN: 'pk_1' }

/**
 * The outbox and its limiter over a service of the suite's own, by a clock that can be put ahead.
 * @param serviceBy the service, by that clock
 */
export async function openClocked<Seen>(
  context: Context,
  serviceBy: (now: () => number) => { readonly sender: Sender; readonly seen: Seen },
) {
  const storage = await openStorage({ databaseUrl: await context.database(), dataDir: '' })
  const { store } = storage
  let ahead = 0
  const now = () => store.now() + ahead
  const { sender, seen } = serviceBy(now)
  const log = () => {}
  const leases = leaseKeeper({ store, kind: 'test', version: 'test', ttlMs: 30_000, log })
  await leases.start()
  const none = () => Promise.reject(new Error('no tasks here'))
  const outbox = createOutbox({
    store,
    workflow: { known: async () => undefined, get: async () => undefined, apply: none, open: none },
    sender,
    leases,
    limiter: sharedLimiter(store.rates, limitsIn(readChannels(ALL, [])), now),
    perAccount: 4,
    markerKey: 'key',
    now,
    random: context.random,
    log,
  })
  return {
    store,
    outbox,
    seen,
    now,
    putAhead(ms: number) {
      ahead = ms === 0 ? 0 : ahead + ms
    },
    async close() {
      await outbox.stop()
      await leases.stop()
      await storage.close()
    },
  }
}
