import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { z } from 'zod'
import { messageOf } from '../../../core/errors.ts'
import { controlled } from '../beside/control.ts'
import { noteNow, removeNote, writeNote } from '../beside/note.ts'
import { Served } from './environment.ts'
import { revisionOf } from '../beside/revision.ts'
import { objectFiles, PROTOCOL } from './protocol.ts'
import { Runtime } from './runtime.ts'
import { Sick } from './trial.ts'

/**
 * The process that serves the Workers of one environment: it goes on while Muster stops, is restarted or is upgraded. Started with the
 * environment's folder, and that of Miniflare's package.
 */

const LOOK_MS = 5000
const RUNTIME_MS = 250
/** So long after it was told to end it does: whoever told it has its answer. */
const ANSWERED_MS = 50

const [folder = '', miniflare = ''] = process.argv.slice(2)
const files = objectFiles(folder)
const token = randomBytes(32).toString('hex')
mkdirSync(files.store, { recursive: true })
const served = new Served(files, (of, print) => new Runtime(of, miniflare, randomBytes(16).toString('hex'), print))

/** It has ended, or is about to: whoever asks starts another one. */
let isEnding = false
let ending: NodeJS.Timeout | undefined

/** What is wrong with what was asked for is an answer. */
const tried = async (change: () => Promise<unknown>) => {
  clearTimeout(ending)
  try {
    await change()
    return {}
  } catch (error) {
    return { error: messageOf(error), ...(error instanceof Sick && { isSick: true }) }
  } finally {
    // Whoever asked has the answer first.
    if (served.state.versions.length === 0) ending = setTimeout(end, ANSWERED_MS)
  }
}

const control = await controlled(
  {
    state: async (asked) => {
      PROTOCOL.state.ask.parse(asked)
      return { revision: revisionOf(import.meta.url), ...served.state }
    },
    load: (asked) => tried(() => served.load(PROTOCOL.load.ask.parse(asked).version)),
    unload: (asked) => tried(() => served.unload(PROTOCOL.unload.ask.parse(asked).id)),
    lead: (asked) => tried(() => served.lead(PROTOCOL.lead.ask.parse(asked))),
    objects: async () => ({ standing: z.array(z.unknown()).parse(await served.standing()) }),
  },
  token,
)
const me = { port: control.port, token }
writeNote(files.note, me)
setInterval(look, LOOK_MS)
setInterval(lookAtRuntime, RUNTIME_MS)
process.on('SIGTERM', end)
process.on('SIGHUP', () => {})
// Every request has its own error handling: whatever else goes wrong ends no other request.
process.on('unhandledRejection', (error) => console.error(error))
process.on('uncaughtException', (error) => console.error(error))

/** Whoever supervises begins it all anew, and counts that. */
function lookAtRuntime(): void {
  if (!served.isBroken) return
  console.error('the runtime has ended')
  end()
}

function look(): void {
  const now = noteNow(files.note)
  if (now === 'write') writeNote(files.note, me)
  if (now === 'gone' || now === 'other') end()
}

/** The runtime first: nobody else may have the storage open while it runs. */
function end(): void {
  if (isEnding) return
  isEnding = true
  control.server.close()
  void served.end().finally(() => {
    removeNote(files.note, { pid: process.pid, token })
    process.exit(0)
  })
}
