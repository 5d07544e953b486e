import { randomBytes } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { type Asked, controlled } from '../beside/control.ts'
import { handOver, inherit, type Leaver } from './handover.ts'
import { noteNow, removeNote, writeNote } from '../beside/note.ts'
import { Proxies } from './proxies.ts'
import { noteFile, type Operation, type Operations, PROTOCOL, type Route } from './protocol.ts'
import { revision } from './revision.ts'

/**
 * The process that has the ports people use: it goes on while Muster stops, is restarted or is upgraded. Started with the folder of
 * the releases; with `heir` by the one whose ports it takes over.
 */

const LOOK_MS = 5000
/** How long whoever is still connected to a process that leaves may take. */
const LEAVE_MS = 5 * 60_000
/** So long after it was told to end it does: whoever told it has its answer. */
const ANSWERED_MS = 50

const [releases = '', role] = process.argv.slice(2)
const file = noteFile(releases)
const token = randomBytes(32).toString('hex')
const proxies = new Proxies()
let leaver: Leaver | undefined

const operations: Operations = {
  state: async () => ({ revision: revision(), environments: proxies.standing() }),
  open: (place) => proxies.open(place),
  async route({ route, now, isForced }) {
    proxies.counts.setClock(now)
    const routed = await proxies.route(route, isForced)
    if (routed.isOpen && !routed.isOlder) leaver?.follow(route)
    return routed
  },
  async drain({ ms, ...place }) {
    await Promise.all([leaver?.drained(ms), proxies.drain(place, ms)])
    return {}
  },
  async take({ acknowledged, now, isLast }) {
    proxies.counts.setClock(now)
    const { batch, counted } = proxies.counts.take(acknowledged, isLast)
    return { batch, counted: [...counted] }
  },
  async handover({ node, program }) {
    const log = openSync(join(releases, 'proxy.log'), 'a', 0o600)
    try {
      const pid = await handOver(proxies, { node, program, releases, log, follow, drained })
      void leave()
      return { pid }
    } finally {
      closeSync(log)
    }
  },
  async stop() {
    setTimeout(end, ANSWERED_MS)
    return {}
  },
}

/** Each with what is asked checked. */
function checked(of: Operations): Asked {
  return {
    state: (asked) => of.state(PROTOCOL.state.ask.parse(asked)),
    open: (asked) => of.open(PROTOCOL.open.ask.parse(asked)),
    route: (asked) => of.route(PROTOCOL.route.ask.parse(asked)),
    drain: (asked) => of.drain(PROTOCOL.drain.ask.parse(asked)),
    take: (asked) => of.take(PROTOCOL.take.ask.parse(asked)),
    handover: (asked) => of.handover(PROTOCOL.handover.ask.parse(asked)),
    stop: (asked) => of.stop(PROTOCOL.stop.ask.parse(asked)),
  } satisfies Readonly<Record<Operation, Asked[string]>>
}

/** Whoever is still connected here, or to the process before, goes to that release as well. */
function follow(route: Route): void {
  proxies.lead(route)
  leaver?.follow(route)
}

async function drained(ms: number): Promise<void> {
  await Promise.all([leaver?.drained(ms), proxies.drainAll(ms)])
}

const control = await controlled(checked(operations), token)
if (role === 'heir') {
  leaver = inherit(proxies)
  await leaver.whole.catch((error: unknown) => {
    console.error(error)
    process.exit(1)
  })
}
writeNote(file, { port: control.port, token })
leaver?.ready()
const looking = setInterval(look, LOOK_MS)
process.on('SIGTERM', () => {
  // Nobody takes the ports over: another one is to be started.
  removeNote(file, { pid: process.pid, token })
  void leave()
})
process.on('SIGHUP', () => {})
// Every request has its own error handling: whatever else goes wrong ends no other request.
process.on('unhandledRejection', (error) => console.error(error))
process.on('uncaughtException', (error) => console.error(error))

/** Another one may have been started, or everything been removed. */
function look(): void {
  const now = noteNow(file)
  if (now === 'write') writeNote(file, { port: control.port, token })
  if (now === 'gone') end()
  if (now === 'other') void leave()
}

/** Answers whoever is still connected, and ends: first those that do not ask any more, then, after as long again, all. */
async function leave(): Promise<void> {
  clearInterval(looking)
  setTimeout(() => {
    for (const proxy of proxies.all()) proxy.endIdle()
    setTimeout(() => process.exit(0), LEAVE_MS).unref()
  }, LEAVE_MS).unref()
  const isAnswered = new Promise((closed) => control.server.close(closed))
  await Promise.all([isAnswered, proxies.leave(), leaver?.gone])
  process.exit(0)
}

/** At once: whatever is still connected is cut. */
function end(): void {
  removeNote(file, { pid: process.pid, token })
  process.exit(0)
}
