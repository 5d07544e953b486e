import { type ChildProcess, fork } from 'node:child_process'
import { Server } from 'node:net'
import { z } from 'zod'
import { FAILURES } from '../../../core/traffic.ts'
import type { Proxies } from './proxies.ts'
import { Route, Whole } from './protocol.ts'

/** One program hands its ports over to another: as open handles, so that nobody is refused while they change hands. */

/** So long the next program may take to say something: less than whoever asked for it waits. */
const PATIENCE_MS = 25_000

const Ended = z.object({
  repository: z.string(),
  environment: z.string(),
  sha: z.string(),
  ms: z.number(),
  failure: z.enum(FAILURES).optional(),
})
/** From the one that leaves. */
const ToHeir = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('port'),
    place: Route.pick({ repository: true, environment: true, host: true, port: true }),
  }),
  z.object({ kind: z.literal('route'), route: Route }),
  /** The last: it has everything then. */
  z.object({ kind: z.literal('counts'), counts: Whole }),
  /** A request that had begun before. */
  z.object({ kind: z.literal('ended'), ended: Ended }),
  z.object({ kind: z.literal('drained') }),
])
type ToHeir = z.infer<typeof ToHeir>
/** From the one that goes on. `ready`: it has all; it is the one that is asked from now on. */
const ToLeaver = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('listening') }),
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('route'), route: Route }),
  z.object({ kind: z.literal('drain'), ms: z.number() }),
])
type ToLeaver = z.infer<typeof ToLeaver>

/** What the program is, and where its notes and messages go. */
export interface Heir {
  readonly node: string
  readonly program: string
  readonly releases: string
  readonly log: number
  /** Whoever is still connected here goes to that release, too. */
  readonly follow: (route: Route) => void
  /** Waits until nothing is under way to older releases here. */
  readonly drained: (ms: number) => Promise<void>
}

/**
 * Starts the next program and gives it everything; then counts there, and leaves its own ports.
 * @returns its pid @throws where it did not get ready; then everything is as it was
 */
export async function handOver(proxies: Proxies, next: Heir): Promise<number> {
  const { node, program, releases, log, follow, drained } = next
  const over = new AbortController()
  const heir = fork(program, [releases, 'heir'], {
    execPath: node,
    detached: true,
    cwd: '/',
    stdio: ['ignore', log, log, 'ipc'],
  })
  try {
    const tell = (message: ToHeir, handle?: Server) =>
      new Promise<void>((resolve, reject) => heir.send(message, handle, (error) => (error ? reject(error) : resolve())))
    // One deadline for all of it.
    const until = AbortSignal.any([over.signal, AbortSignal.timeout(PATIENCE_MS)])
    await said(heir, 'listening', until)
    const isReady = said(heir, 'ready', until)
    await Promise.race([isReady, giveAll(proxies, tell)])
    await isReady
    proxies.isElsewhere()
    heir.on('message', (message) => {
      const { data } = ToLeaver.safeParse(message)
      if (data?.kind === 'route') follow(data.route)
      if (data?.kind === 'drain') void answerDrained(drained(data.ms), tell)
    })
    return heir.pid ?? 0
  } catch (error) {
    heir.kill('SIGKILL')
    proxies.countHere()
    throw error
  } finally {
    over.abort()
  }
}

async function answerDrained(drained: Promise<void>, tell: (message: ToHeir) => Promise<void>): Promise<void> {
  await drained
  // The heir may have ended by now.
  await tell({ kind: 'drained' }).catch(() => {})
}

/** Whom requests go to comes before the port on which they arrive. */
async function giveAll(proxies: Proxies, tell: (message: ToHeir, handle?: Server) => Promise<void>): Promise<void> {
  for (const proxy of proxies.all()) {
    const { repository, environment, route } = proxy.standing
    if (route) await tell({ kind: 'route', route })
    for (const [port, { server, host }] of proxy.listeners) {
      const place = { repository, environment, host, port }
      await tell({ kind: 'port', place }, server)
    }
  }
  await tell({
    kind: 'counts',
    counts: proxies.countElsewhere((ended) => void tell({ kind: 'ended', ended }).catch(() => {})),
  })
}

async function said(heir: ChildProcess, kind: ToLeaver['kind'], until: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    until.addEventListener('abort', () => reject(new Error('the next program took too long')), { once: true })
    heir.once('error', reject)
    heir.once('exit', (code, signal) => reject(new Error(`the next program ended: ${signal ?? code}`)))
    const hear = (message: unknown) => {
      if (ToLeaver.safeParse(message).data?.kind !== kind) return
      heir.off('message', hear)
      resolve()
    }
    heir.on('message', hear)
  })
}

/** What the heir knows of the one that leaves. */
export interface Leaver {
  /** It has given everything. */
  readonly whole: Promise<void>
  ready(): void
  /** What is still connected there goes to another release, too. */
  follow(route: Route): void
  /** Waits until nothing is under way to older releases there, for so long at most. */
  drained(ms: number): Promise<void>
  /** It has ended. */
  readonly gone: Promise<void>
}

/** Takes everything from the program that started this one. */
export function inherit(proxies: Proxies): Leaver {
  const tell = (message: ToLeaver) => {
    if (process.connected) process.send?.(message)
  }
  const gone = new Promise<void>((resolve) => process.once('disconnect', resolve))
  let turn = Promise.resolve()
  const whole = new Promise<void>((resolve, reject) => {
    const take = async (message: unknown, handle: unknown) => {
      if ((await taken(proxies, ToHeir.parse(message), handle)) === 'counts') resolve()
    }
    // One after the other: a port comes after the route of whoever asks on it.
    process.on('message', (message: unknown, handle: unknown) => {
      turn = turn.then(() => take(message, handle))
      turn.catch(reject)
    })
    gone.then(() => reject(new Error('whoever hands over has ended')), reject)
  })
  tell({ kind: 'listening' })
  return {
    whole,
    gone,
    ready: () => tell({ kind: 'ready' }),
    follow: (route) => tell({ kind: 'route', route }),
    async drained(ms) {
      const drained = heard('drained')
      tell({ kind: 'drain', ms })
      await Promise.race([drained, gone, new Promise((done) => setTimeout(done, ms))])
    },
  }
}

/** Waits until the one that leaves says that. */
function heard(kind: ToHeir['kind']): Promise<void> {
  return new Promise((resolve) => {
    const hear = (message: unknown) => {
      if (ToHeir.safeParse(message).data?.kind !== kind) return
      process.off('message', hear)
      resolve()
    }
    process.on('message', hear)
  })
}

async function taken(proxies: Proxies, message: ToHeir, handle: unknown): Promise<ToHeir['kind']> {
  switch (message.kind) {
    case 'port':
      if (!(handle instanceof Server) || !(await proxies.open(message.place, handle)).isOpen)
        throw new Error(`the port ${message.place.port} was not handed over`)
      break
    case 'route':
      proxies.lead(message.route)
      break
    case 'counts':
      proxies.counts.inherit(message.counts)
      break
    case 'ended':
      proxies.count({ failure: undefined, ...message.ended })
      break
    case 'drained':
      break
  }
  return message.kind
}
