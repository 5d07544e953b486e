import { createRequire } from 'node:module'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { messageOf } from '../../../core/errors.ts'
import { run } from '../../../workspace/spawn.ts'
import { kindsOf, sourceOf, tableOf } from './orchestrator.ts'
import type { Lead, ObjectFiles, Version } from './protocol.ts'

/** How long a module may take to be loaded. */
const START_MS = 30_000
/** How long it may take to end. */
const END_MS = 3000

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
    const pid = pidIn(this.#files.runtime)
    try {
      return pid !== undefined && process.kill(pid, 0)
    } catch {
      return false
    }
  }

  /** Serves that and nothing else, from now on; whoever is connected is cut off. @throws where it cannot: then it serves nothing */
  async serve(versions: readonly Version[], lead: Lead): Promise<void> {
    const options = this.#options(versions, lead)
    await this.#alone()
    // A module may never come to its end: whoever waits for that is told.
    const late = setTimeout(() => this.#kill(), START_MS)
    try {
      if (this.#miniflare) await this.#miniflare.setOptions(options)
      else this.#miniflare = await this.#started(options)
      this.#url = await this.#miniflare.unsafeGetDirectURL()
    } finally {
      clearTimeout(late)
    }
  }

  #kill(): void {
    this.#print(`error: the module has not come to its end within ${START_MS / 1000} s\n`)
    this.#signalled()
  }

  #signalled(): void {
    const pid = pidIn(this.#files.runtime)
    try {
      if (pid !== undefined) process.kill(pid, 'SIGKILL')
    } catch {
      // It ended in between.
    }
  }

  async #started(options: object): Promise<Miniflare> {
    const require = createRequire(join(this.#package, 'package.json'))
    const { Miniflare } = Exports.parse(await import(pathToFileURL(require.resolve(this.#package)).href))
    const miniflare = new Miniflare(options)
    // Also where that fails it can be told to serve something else.
    await miniflare.ready.catch(async (error: unknown) => {
      await miniflare.dispose().catch(() => {})
      throw error
    })
    return miniflare
  }

  /** workerd outlives whoever started it where that is killed, and two may never have the same storage open. */
  async #alone(): Promise<void> {
    if (!this.#miniflare) await endStray(this.#files.runtime)
    const require = createRequire(join(this.#package, 'package.json'))
    const program = Workerd.parse(await import(pathToFileURL(require.resolve('workerd')).href)).default.default
    const { starter } = this.#files
    const script = `#!/bin/sh\necho $$ > ${quoted(this.#files.runtime)}\nexec ${quoted(program)} "$@"\n`
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
    const answer = await fetch(this.url, { headers: { 'muster-release': `standing ${this.#token}` } })
    return answer.json()
  }

  /** Also where it hangs. */
  async end(): Promise<void> {
    const late = setTimeout(() => this.#signalled(), END_MS)
    await this.#miniflare?.dispose().catch(() => {})
    clearTimeout(late)
    this.#signalled()
  }
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

/** Ends a runtime that whoever started it has left behind. Nothing is sent to a process that is something else by now. */
async function endStray(file: string): Promise<void> {
  const pid = pidIn(file)
  if (pid === undefined) return
  for (let nth = 0; nth < 250; nth++) {
    if (!(await isRuntime(pid))) return
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`the runtime before (${pid}) does not end`)
}

function pidIn(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    return Number.isInteger(pid) && pid > 1 ? pid : undefined
  } catch {
    return undefined
  }
}

async function isRuntime(pid: number): Promise<boolean> {
  return /\bworkerd\0? ?serve\b/.test(await commandOf(pid))
}

/** What a process was started by; empty where it is gone, or that cannot be told. */
async function commandOf(pid: number): Promise<string> {
  if (existsSync('/proc/self/cmdline')) return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  const env = { PATH: process.env['PATH'] ?? '' }
  return run('ps', ['-o', 'command=', '-p', `${pid}`], { env, timeoutMs: 10_000 }).then(
    ({ output }) => output,
    () => '',
  )
}

/** What is wrong with what was to be served, in a line for people. */
export function whyNot(error: unknown, printed: string): string {
  const said = messageOf(error).split('\n')[0] ?? ''
  const line = printed.split('\n').find((one) => /Uncaught|error:/i.test(one)) ?? ''
  return /failed to start/.test(said) && line !== '' ? line.slice(0, 300) : said.slice(0, 300)
}
