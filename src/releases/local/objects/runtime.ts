import { chmodSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, sep } from 'node:path'
import type { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { messageOf } from '../../../core/errors.ts'
import { kindsOf, sourceOf, tableOf } from './orchestrator.ts'
import type { Lead, ObjectFiles, Version } from './protocol.ts'
import { endRuntime, isRuntimeRunning, MARK, runtimeIn } from './stray.ts'

/** How long modules may take to be loaded that were before. */
const START_MS = 30_000
/** How long it may take to end. */
const END_MS = 3000
const STANDING_MS = 3000

/** workerd, by Miniflare, which is there only where somebody wants it: what is used of it. */
interface Miniflare {
  ready: Promise<URL>
  setOptions(options: object): Promise<void>
  unsafeGetDirectURL(): Promise<URL>
  dispose(): Promise<void>
}

const Exports = z.object({
  Miniflare: z.custom<new (options: object) => Miniflare>((value) => typeof value === 'function'),
})
/** A CommonJS module: its own `default` is the program. */
const Workerd = z.object({ default: z.object({ default: z.string() }) })

const MODULES = [
  { type: 'ESModule', include: ['**/*.js', '**/*.mjs'] },
  { type: 'Text', include: ['**/*.txt', '**/*.html', '**/*.sql'] },
  { type: 'Data', include: ['**/*.bin'] },
  { type: 'CompiledWasm', include: ['**/*.wasm', '**/*.wasm?module'] },
]

/** The runtime of one environment: one process that has its storage open, whatever it serves. */
export class Runtime {
  readonly #files: ObjectFiles
  readonly #package: string
  readonly #token: string
  readonly #print: (text: string) => void
  #miniflare: Miniflare | undefined
  #url: URL | undefined
  /** The process that this one has started. */
  #pid: number | undefined

  /** @param miniflare the folder of its package @param token by which its orchestrator is asked @param print what it prints */
  constructor(files: ObjectFiles, miniflare: string, token: string, print: (text: string) => void) {
    this.#files = files
    this.#package = miniflare
    this.#token = token
    this.#print = print
  }

  /** Where it is reached. */
  get url(): string {
    if (!this.#url) throw new Error('nothing is served yet')
    return this.#url.href
  }

  get isRunning(): boolean {
    return isRuntimeRunning(this.#files.runtime)
  }

  /** Serves that and nothing else, from now on; whoever is connected is cut off. @param patienceMs how long that may take @throws where it cannot: then it serves nothing */
  async serve(versions: readonly Version[], lead: Lead, patienceMs = START_MS): Promise<void> {
    const options = this.#options(versions, lead)
    await this.#alone()
    // A module may never come to its end: whoever waits for that is told.
    const late = setTimeout(() => this.#kill(patienceMs), patienceMs)
    try {
      if (this.#miniflare) await this.#miniflare.setOptions(options)
      else this.#miniflare = await this.#started(options)
      this.#url = await this.#miniflare.unsafeGetDirectURL()
      this.#pid = await runtimeIn(this.#files.runtime)
    } finally {
      clearTimeout(late)
    }
  }

  #kill(patienceMs: number): void {
    this.#print(`error: the module has not come to its end within ${patienceMs / 1000} s\n`)
    void endRuntime(this.#files.runtime).catch((error: unknown) => console.error(error))
  }

  async #started(options: object): Promise<Miniflare> {
    const { Miniflare } = Exports.parse(await this.#module(this.#package))
    const miniflare = new Miniflare(options)
    // Also where that fails it can be told to serve something else.
    await miniflare.ready.catch(async (error: unknown) => {
      await miniflare.dispose().catch(() => {})
      throw error
    })
    return miniflare
  }

  /** As its package finds it. */
  #module(name: string): Promise<unknown> {
    const { resolve } = createRequire(join(this.#package, 'package.json'))
    return import(pathToFileURL(resolve(name)).href)
  }

  /** Whatever has the storage open by now does not. */
  async #alone(): Promise<void> {
    if (!this.#miniflare) await endRuntime(this.#files.runtime)
    const program = Workerd.parse(await this.#module('workerd')).default.default
    const { starter, runtime } = this.#files
    const script = `#!/bin/sh\necho $$ > ${quoted(runtime)}\n${MARK}=${quoted(runtime)} exec ${quoted(program)} "$@"\n`
    writeFileSync(starter, script, { mode: 0o700 })
    chmodSync(starter, 0o700)
    process.env['MINIFLARE_WORKERD_PATH'] = starter
  }

  #options(versions: readonly Version[], lead: Lead): object {
    const kinds = kindsOf(versions)
    const { orchestrator, store } = this.#files
    const source = sourceOf(versions, kinds)
    const objects = [
      ...kinds.map(({ name, key, isSql }) => [
        name,
        { className: name, useSQLite: isSql, unsafeUniqueKey: `object-${key}` },
      ]),
      ['MUSTER_ORCHESTRATOR', { className: 'MusterOrchestrator', useSQLite: true, unsafeUniqueKey: 'orchestrator' }],
    ]
    const dates = versions.map(({ compatibilityDate }) => compatibilityDate)
    return {
      name: 'environment',
      host: '127.0.0.1',
      port: 0,
      // Not by the way that development takes, with pages of its own: straight to the Worker.
      unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
      // Nothing is fetched.
      cf: false,
      modules: true,
      modulesRoot: sep,
      modulesRules: MODULES,
      script: source,
      scriptPath: orchestrator,
      compatibilityDate: dates.toSorted().at(-1),
      compatibilityFlags: [...new Set(versions.flatMap(({ compatibilityFlags }) => compatibilityFlags))],
      bindings: { MUSTER_TABLE: tableOf(versions, lead, kinds), MUSTER_TOKEN: this.#token },
      durableObjects: Object.fromEntries(objects),
      durableObjectsPersist: store,
      handleRuntimeStdio: (output: Readable, errors: Readable) => {
        for (const stream of [output, errors]) stream.on('data', (part: Buffer) => this.#print(part.toString()))
      },
    }
  }

  /** As the orchestrating object has it. */
  async standing(): Promise<unknown> {
    const headers = { 'muster-release': `standing ${this.#token}` }
    const answer = await fetch(this.url, { headers, signal: AbortSignal.timeout(STANDING_MS) })
    return answer.json()
  }

  /** Also where it hangs. Another one, of whoever goes on, is left alone. */
  async end(): Promise<void> {
    const pid = this.#pid
    const ends = async () => {
      if (pid !== undefined && (await runtimeIn(this.#files.runtime)) === pid) await endRuntime(this.#files.runtime)
    }
    const late = setTimeout(() => void ends().catch(() => {}), END_MS)
    await this.#miniflare?.dispose().catch(() => {})
    clearTimeout(late)
    await ends()
  }
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

/** What is wrong with what was to be served, in a line for people. */
export function whyNot(error: unknown, printed: string): string {
  const said = messageOf(error).split('\n')[0] ?? ''
  if (!/failed to start/.test(said)) return said.slice(0, 300)
  // It has said why before.
  const lines = printed.split('\n').filter((one) => one.trim() !== '')
  return (lines.find((one) => /Uncaught|error:/i.test(one)) ?? lines[0] ?? said).slice(0, 300)
}
