import { randomBytes } from 'node:crypto'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import { controlled } from './control.ts'
import { handOver, inherit, type Leaver } from './handover.ts'
import { noteFile, noteNow, writeNote } from './note.ts'
import { Proxies } from './proxies.ts'
import type { Operations } from './protocol.ts'
import { revision } from './revision.ts'

/**
 * The process that has the ports people use: it goes on while Muster stops, is restarted or is upgraded. Started with the folder of
 * the releases; with `heir` by the one whose ports it takes over.
 */

const LOOK_MS = 5000
/** How long whoever is still connected to a process that leaves may take. */
const LEAVE_MS = 5 * 60_000

const [releases = '', role] = process.argv.slice(2)
const file = noteFile(releases)
const token = randomBytes(32).toString('hex')
const proxies = new Proxies()
let leaver: Leaver | undefined

const operations: Operations = {
  state: async () => ({ revision: revision(), environments: proxies.standing() }),
  open: async (place) => ({ isOpen: await proxies.open(place) }),
  async route({ route, now }) {
    proxies.counts.setClock(now)
    const routed = await proxies.route(route)
    if (!routed.isOlder) leaver?.follow(route)
    return routed
  },
  async drain({ ms, ...place }) {
    const until = Date.now() + ms
    if (leaver) await Promise.race([leaver.gone, new Promise((done) => setTimeout(done, ms))])
    await proxies.drain(place, Math.max(0, until - Date.now()))
    return {}
  },
  async take({ acknowledged, now }) {
    proxies.counts.setClock(now)
    const { batch, counted } = proxies.counts.take(acknowledged)
    return { batch, counted: [...counted] }
  },
  async handover({ node, program }) {
    const log = openSync(join(releases, 'proxy.log'), 'a', 0o600)
    const pid = await handOver(proxies, { node, program, releases, log })
    void leave()
    return { pid }
  },
  async stop() {
    setImmediate(() => void end())
    return {}
  },
}

const control = await controlled(operations, token)
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
process.on('SIGTERM', () => void leave())
process.on('SIGHUP', () => {})
// Every request has its own error handling: whatever else goes wrong ends no other request.
process.on('unhandledRejection', (error) => console.error(error))
process.on('uncaughtException', (error) => console.error(error))

/** Another one may have been started, or everything been removed. */
function look(): void {
  const now = noteNow(file)
  if (now === 'write') writeNote(file, { port: control.port, token })
  if (now === 'gone') void end()
  if (now === 'other') void leave()
}

/** Answers whoever is still connected, and ends. */
async function leave(): Promise<void> {
  clearInterval(looking)
  setTimeout(() => process.exit(0), LEAVE_MS).unref()
  await Promise.all([new Promise((closed) => control.server.close(closed)), proxies.leave()])
  process.exit(0)
}

async function end(): Promise<void> {
  clearInterval(looking)
  await proxies.close()
  process.exit(0)
}
