import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createProxyServer } from 'httpxy'
import { kindsOf } from './orchestrator.ts'
import { Lead, type ObjectFiles, type Version } from './protocol.ts'
import { type Runtime, whyNot } from './runtime.ts'
import { tried } from './trial.ts'

/** How long a change waits for what is under way; whatever takes longer is cut off. */
const DRAIN_MS = 5000
/** How long those are waited for that were served before this process began. */
const AWAITED_MS = 20_000
/** So much of what is printed is kept, to say why something cannot be served. */
const MAX_PRINTED = 20_000

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
  /** What the runtime has. */
  #served: readonly Version[] = []
  #lead: Lead | undefined
  readonly #awaited = new Set<string>()
  #allThere = () => {}
  readonly #there: Promise<unknown>
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
    for (const id of [this.#lead?.main, this.#lead?.beside?.id]) if (id !== undefined) this.#awaited.add(id)
    this.#there = new Promise<void>((resolve) => {
      this.#allThere = resolve
      if (this.#awaited.size === 0) resolve()
      setTimeout(resolve, AWAITED_MS).unref()
    })
    this.#runtime = opened(files, (text) =>
      this.#print(
        text,
        [...this.#versions.values()].map(({ version }) => version),
      ),
    )
  }

  get state() {
    return { versions: [...this.#versions.values()].map(({ version: { id, port } }) => ({ id, port })) }
  }

  /** Whether what serves has ended, though nothing is being changed. */
  get isBroken(): boolean {
    return !this.#isChanging && this.#served.length > 0 && !this.#runtime.isRunning
  }

  /** Keeps a release ready that works. Said again, it is the same. @throws where it cannot be: then everything is as it was */
  async load(version: Version): Promise<void> {
    const known = this.#versions.get(version.id)
    // Two releases that cannot have the same storage are told so before either is run.
    kindsOf([...this.#served.filter(({ id }) => id !== version.id), version])
    await this.#inTurn(() => tried(this.#files, this.#opened, version, (text) => this.#print(text, [version])))
    const server = await this.#listening(version)
    const one = { version, server }
    this.#versions.set(version.id, one)
    try {
      if (isNamed(this.#lead, version.id)) await this.#changed(this.#lead)
    } catch (error) {
      server.close()
      if (known) this.#versions.set(version.id, known)
      else this.#versions.delete(version.id)
      throw error
    }
    known?.server.close()
    this.#arrived(version.id)
  }

  /** Nothing, where it is not there. @returns whether there is another one */
  async unload(id: string): Promise<boolean> {
    const known = this.#versions.get(id)
    this.#versions.delete(id)
    this.#arrived(id)
    try {
      if (known && this.#versions.size > 0 && isNamed(this.#lead, id)) await this.#changed(this.#lead)
    } finally {
      known?.server.close()
    }
    return this.#versions.size > 0
  }

  /** Whose the objects are from now on. @throws as above */
  async lead(lead: Lead): Promise<void> {
    if (JSON.stringify(this.#lead) !== JSON.stringify(lead)) await this.#changed(lead)
    this.#lead = lead
    // Nobody waits for others than those.
    for (const id of [...this.#awaited].filter((one) => !isNamed(lead, one))) this.#arrived(id)
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

  /** What was led before this process began is waited for, for a while: no object runs what is not its. */
  #arrived(id: string): void {
    this.#awaited.delete(id)
    if (this.#awaited.size === 0) this.#allThere()
  }

  #inTurn(action: () => Promise<void>): Promise<void> {
    const turn = this.#changes.then(action)
    this.#changes = turn.catch(() => {})
    return turn
  }

  /** One change after the other, with nobody inside. */
  #changed(lead: Lead | undefined): Promise<void> {
    return this.#inTurn(() => this.#change(lead))
  }

  async #change(lead: Lead | undefined): Promise<void> {
    let opened = () => {}
    this.#open = new Promise((resolve) => (opened = resolve))
    this.#isChanging = true
    const before = this.#served
    try {
      await this.#drained()
      this.#printed = ''
      await this.#serve(lead).catch(async (error: unknown) => {
        const why = whyNot(error, this.#printed)
        // What was served a moment ago can be.
        if (before.length > 0) await this.#serve(this.#lead)
        throw new Error(why, { cause: error })
      })
    } finally {
      this.#isChanging = false
      opened()
    }
  }

  /** Those that the objects are of, and no others. */
  async #serve(lead: Lead | undefined): Promise<void> {
    const all = [...this.#versions.values()].map(({ version }) => version)
    const led = effective(lead, all)
    const versions = all.filter(({ id }) => isNamed(led, id))
    if (versions.length === 0) return
    await this.#runtime.serve(versions, led)
    this.#served = versions
  }

  /** The next change may begin as soon as one has ended. */
  async #opening(): Promise<void> {
    let known: Promise<void> | undefined
    await this.#there
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
    // Whoever asked may have gone away meanwhile.
    if (response.closed || response.destroyed) return
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

function isNamed(lead: Lead | undefined, id: string): boolean {
  return lead !== undefined && (lead.main === id || lead.beside?.id === id)
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
