import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createProxyServer } from 'httpxy'
import { Lead, type ObjectFiles, objectFiles, type Version } from './protocol.ts'
import { type Runtime, whyNot } from './runtime.ts'

/** How long a change waits for what is under way; whatever takes longer is cut off. */
const DRAIN_MS = 5000
/** So much of what is printed is kept, to say why something cannot be served. */
const MAX_PRINTED = 20_000

/** What becomes of a change, once it is served or cannot be. */
interface Change {
  readonly done: () => void
  readonly undo: () => void
}

/**
 * The Workers of one environment, each release on a port of its own. Whatever changes, requests wait outside until it is done: what
 * has the storage open is ended first, and begins anew with the new code.
 */
export class Served {
  readonly #files: ObjectFiles
  readonly #opened: (files: ObjectFiles, print: (text: string) => void) => Runtime
  readonly #runtime: Runtime
  readonly #versions = new Map<string, { readonly version: Version; readonly server: Server }>()
  readonly #proxy = createProxyServer({})
  #lead: Lead | undefined
  #printed = ''
  /** Resolved while requests may come in. */
  #open: Promise<void> = Promise.resolve()
  #underway = 0
  #isChanging = false
  #changes: Promise<unknown> = Promise.resolve()

  /** @param opened a runtime with files of its own @param print what it prints */
  constructor(files: ObjectFiles, opened: (files: ObjectFiles, print: (text: string) => void) => Runtime) {
    this.#files = files
    this.#opened = opened
    this.#lead = leadIn(files.lead)
    this.#runtime = opened(files, (text) =>
      this.#print(
        text,
        [...this.#versions.values()].map(({ version }) => version),
      ),
    )
  }

  get state() {
    const versions = [...this.#versions.values()].map(({ version: { id, port } }) => ({ id, port }))
    return { versions, ...(this.#lead && { lead: this.#lead }) }
  }

  /** Whether what serves has ended, though nothing is being changed. */
  get isBroken(): boolean {
    return !this.#isChanging && this.#versions.size > 0 && !this.#runtime.isRunning
  }

  /** Keeps a release ready. Said again, it is the same. @throws where it cannot be: then everything is as it was */
  async load(version: Version): Promise<void> {
    await this.#inTurn(() => this.#tried(version))
    await this.#changed(async () => {
      const known = this.#versions.get(version.id)
      const server = await this.#listening(version)
      this.#versions.set(version.id, { version, server })
      return {
        done: () => void known?.server.close(),
        undo: () => {
          server.close()
          if (known) this.#versions.set(version.id, known)
          else this.#versions.delete(version.id)
        },
      }
    })
  }

  /** Nothing, where it is not there. @returns whether something is served still */
  async unload(id: string): Promise<boolean> {
    const known = this.#versions.get(id)
    if (known)
      await this.#changed(async () => {
        this.#versions.delete(id)
        return { done: () => void known.server.close(), undo: () => this.#versions.set(id, known) }
      })
    return this.#versions.size > 0
  }

  /** Whose the objects are from now on. @throws as above */
  async lead(lead: Lead): Promise<void> {
    const before = this.#lead
    if (JSON.stringify(before) === JSON.stringify(lead)) return
    await this.#changed(async () => {
      this.#lead = lead
      return { done: () => {}, undo: () => (this.#lead = before) }
    })
    const next = `${this.#files.lead}.next`
    writeFileSync(next, JSON.stringify(lead), { mode: 0o600 })
    renameSync(next, this.#files.lead)
  }

  standing(): Promise<unknown> {
    return this.#runtime.standing()
  }

  async end(): Promise<void> {
    await this.#runtime.end()
  }

  /** Alone, and with nothing stored, before it is let to what is: nobody waits meanwhile. */
  async #tried(version: Version): Promise<void> {
    const files = objectFiles(join(this.#files.folder, 'trial'))
    await mkdir(files.store, { recursive: true })
    this.#printed = ''
    const runtime = this.#opened(files, (text) => this.#print(text, [version]))
    try {
      // With the other releases: what they cannot have in common shows here.
      const others = [...this.#versions.values()].map((one) => one.version).filter(({ id }) => id !== version.id)
      await runtime.serve([version, ...others], { main: version.id })
    } catch (error) {
      throw new Error(whyNot(error, this.#printed), { cause: error })
    } finally {
      await runtime.end()
      await rm(files.folder, { recursive: true, force: true })
    }
  }

  #inTurn(action: () => Promise<void>): Promise<void> {
    const turn = this.#changes.then(action)
    this.#changes = turn.catch(() => {})
    return turn
  }

  /** One change after the other, with nobody inside. */
  #changed(change: () => Promise<Change>): Promise<void> {
    return this.#inTurn(() => this.#change(change))
  }

  async #change(change: () => Promise<Change>): Promise<void> {
    let opened = () => {}
    this.#open = new Promise((resolve) => (opened = resolve))
    this.#isChanging = true
    try {
      await this.#drained()
      const { undo, done } = await change()
      this.#printed = ''
      if (this.#versions.size > 0)
        await this.#serve().catch(async (error: unknown) => {
          const why = whyNot(error, this.#printed)
          undo()
          // What was served a moment ago can be.
          if (this.#versions.size > 0) await this.#serve()
          throw new Error(why, { cause: error })
        })
      done()
    } finally {
      this.#isChanging = false
      opened()
    }
  }

  async #serve(): Promise<void> {
    const versions = [...this.#versions.values()].map(({ version }) => version)
    await this.#runtime.serve(versions, effective(this.#lead, versions))
  }

  /** The next change may begin as soon as one has ended. */
  async #opening(): Promise<void> {
    let known: Promise<void> | undefined
    while (known !== this.#open) await (known = this.#open)
  }

  async #drained(): Promise<void> {
    const until = Date.now() + DRAIN_MS
    while (this.#underway > 0 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  async #listening(version: Version): Promise<Server> {
    const server = createServer((request, response) => void this.#pass(version.id, request, response))
    server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => socket.destroy())
      if (!(socket instanceof Socket)) return void socket.destroy()
      void this.#opening()
        .then(() => this.#proxy.ws(this.#marked(version.id, request), socket, { target: this.#runtime.url }, head))
        .catch(() => socket.destroy())
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(version.port, '127.0.0.1', resolve)
    })
    server.on('error', () => {})
    return server
  }

  /** Whatever whoever asks says: it is the release to which the request was sent. */
  #marked(id: string, request: IncomingMessage): IncomingMessage {
    request.headers['muster-release'] = id
    return request
  }

  async #pass(id: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    await this.#opening()
    this.#underway++
    response.once('close', () => this.#underway--)
    try {
      await this.#proxy.web(this.#marked(id, request), response, { target: this.#runtime.url })
    } catch {
      if (response.headersSent || response.closed) response.destroy()
      else response.writeHead(502, { 'content-type': 'text/plain' }).end('the service does not answer\n')
    }
  }

  /** To the logs of all that is served: what it comes from is not told. */
  #print(text: string, versions: readonly Version[]): void {
    this.#printed = `${this.#printed}${text}`.slice(-MAX_PRINTED)
    for (const { log } of versions)
      try {
        appendFileSync(log, text, { mode: 0o600 })
      } catch {
        // Its folder may be gone.
      }
  }
}

/** Whom the objects are of among what is there: a lead that was written down may name what is not loaded yet. */
export function effective(lead: Lead | undefined, versions: readonly Version[]): Lead {
  const isThere = (wanted: string | undefined) => versions.some(({ id }) => id === wanted)
  const { main, beside } = lead ?? {}
  if (main !== undefined && isThere(main)) return beside && isThere(beside.id) ? { main, beside } : { main }
  if (beside && isThere(beside.id)) return { main: beside.id }
  return { main: versions[0]?.id ?? '' }
}

function leadIn(file: string): Lead | undefined {
  try {
    return Lead.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return undefined
  }
}
