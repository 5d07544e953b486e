import { SendError, type Sender } from '../../src/channels/types.ts'
import type { EffectBody } from '../../src/core/effects.ts'
import type { Surface } from '../../src/core/said.ts'
import { origin } from '../support/tasks.ts'
import { CHANNELS, type ChannelName } from './support/hall.ts'
import { openClocked } from './support/clocked.ts'
import { type Context, type Fault, sleep } from './support/suite.ts'

/** What each vendor allows, over a window (limits.md): ms and how many. */
const WINDOWS: Readonly<Record<ChannelName, readonly (readonly [ms: number, most: number])[]>> = {
  // About one message a second in a channel, a few more for a moment.
  slack: [[60_000, 60]],
  jira: [
    [2000, 20],
    [30_000, 100],
  ],
  clickup: [[60_000, 100]],
}

const SURFACES: Readonly<Record<ChannelName, Surface>> = {
  slack: { channel: 'slack', team: 'T1', room: 'C1', thread: '1.1' },
  jira: { channel: 'jira', site: 'acme', ticket: '1', name: 'SHOP-1' },
  clickup: { channel: 'clickup', team: '9', ticket: 'a' },
}

const COSTS: Readonly<Record<ChannelName, Readonly<Record<string, number>>>> = {
  slack: { post: 1 },
  jira: { write: 1 },
  clickup: { request: 1 },
}

/** A vendor's windows, by a clock that can be put forward; counts whoever does not wait when told to. */
function limitedService(channel: ChannelName, now: () => number) {
  const writes: number[] = []
  let blockedUntil = 0
  const seen = { early: 0, refused: 0, sent: 0 }
  const sender: Sender = {
    costOf: () => COSTS[channel],
    lookUp: () => Promise.resolve(undefined),
    async send(_body: EffectBody, { mayLeave }) {
      mayLeave()
      const at = now()
      if (at < blockedUntil) seen.early++
      const over = WINDOWS[channel].some(([ms, most]) => writes.filter((one) => one > at - ms).length >= most)
      if (over) {
        seen.refused++
        blockedUntil = at + 30_000
        throw new SendError('retry', 'ratelimited', { retryAfterMs: 30_000 })
      }
      writes.push(at)
      seen.sent++
      // Now and then the vendor asks to wait for reasons of its own.
      if (seen.sent % 150 === 149) {
        blockedUntil = at + 45_000
        throw new SendError('retry', 'asked to wait', { retryAfterMs: 45_000 })
      }
      return { ref: String(seen.sent) }
    },
  }
  return { sender, seen }
}

async function queueThrough(context: Context, channel: ChannelName, total: number) {
  const { store, outbox, seen, now, putAhead, close } = await openClocked(context, (clock) =>
    limitedService(channel, clock),
  )
  try {
    const surface = SURFACES[channel]
    const place = { repository: origin.repository, number: 0 }
    for (let one = 0; one < total / 10; one++)
      await store.effects.add(
        `c${one}`,
        `c${one}`,
        undefined,
        Array.from({ length: 10 }, (_, index) => ({
          key: `e${index}`,
          body: { kind: 'message', place, surface, document: [], buttons: [] } as const,
        })),
      )
    outbox.start()
    const started = now()
    while (seen.sent < total && now() - started < 24 * 3_600_000) {
      putAhead(1000)
      outbox.kick()
      await sleep(12)
    }
    return { ...seen, hours: (now() - started) / 3_600_000 }
  } finally {
    await close()
  }
}

export const WINDOWED: Fault = {
  id: 'R13.1',
  title: '2,000 queued effects against the real limits of Slack, Jira and ClickUp',
  wanted: '0 requests before retry-after, none over the limit',
  async run(context) {
    const total = context.pick(120, 2000)
    const numbers: string[] = []
    const problems: string[] = []
    for (const channel of CHANNELS) {
      const { sent, early, refused, hours } = await queueThrough(context, channel, total)
      numbers.push(`${channel} ${sent} in ${hours.toFixed(1)} h`)
      if (early > 0) problems.push(`${channel}: ${early} early requests`)
      if (refused > 0) problems.push(`${channel}: ${refused} over the limit`)
      if (sent < total) problems.push(`${channel}: only ${sent} sent`)
    }
    return { number: `${numbers.join(', ')} (a clock that runs ahead)`, problems }
  },
}
