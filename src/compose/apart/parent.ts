import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type End, pauseMs, type Tries, verdictOf } from '../../core/poison.ts'
import { type Apart, type ApartJob, type Claim, Lost } from '../../leases/types.ts'
import type { Queue } from '../../queue/types.ts'
import type { Targets } from '../../releases/types.ts'
import type { Store } from '../../store/types.ts'
import type { Log } from '../../telemetry/log.ts'
import { connect } from './calls.ts'
import { served } from './served.ts'
import type { ChildSide } from './types.ts'

const MAIN = fileURLToPath(new URL('../../main.ts', import.meta.url))
/** How long a process that was told to stop, or has nothing more to do, may take: less than its parent has itself. */
const STOP_MS = 4000
/** How often it is looked whether a process still answers, and after how many looks without an answer it is ended. */
const LOOK_MS = 5000
const LOOKS = 24

export interface ApartDeps {
  readonly store: Store
  readonly queue: Queue
  readonly targets: Targets
  readonly kick: () => void
  readonly sleep: (ms: number) => Promise<void>
  readonly log: Log
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where this process keeps clones. */
  readonly workDir: string
  /** The program that does it; Muster's own, unless a test has another. */
  readonly program?: string | undefined
  readonly lookMs?: number | undefined
}

/**
 * Does suspected work in processes of their own. Those have no connection to the database: the embedded one takes one process
 * only, so they ask this one.
 */
export function apartFrom(deps: ApartDeps): { readonly apart: Apart; stop(): void } {
  const stopping = new AbortController()
  return {
    stop: () => stopping.abort(new Error('stopped')),
    async apart(job, claim, signal) {
      const until = AbortSignal.any([signal, stopping.signal])
      let tries: Tries = { chances: 0, killed: 0 }
      for (;;) {
        const pause = pauseMs(Math.max(claim.crashes, tries.killed))
        if (pause > 0) deps.log.warn({ ...job, crashes: claim.crashes, ...tries, pause }, 'a suspect waits')
        await waited(deps.sleep(pause), until)
        if (until.aborted) return 'over'
        const end = await once(deps, job, claim, until)
        const verdict = verdictOf(end, tries)
        if (verdict.kind !== 'again') return verdict.kind
        tries = verdict
        deps.log.warn({ ...job, ...end, ...tries }, 'the process of a suspect ended; another one tries again')
      }
    },
  }
}

/** One process, from its start to its end. @throws what its work threw, or what kept it from starting */
async function once(deps: ApartDeps, job: ApartJob, claim: Claim, signal: AbortSignal): Promise<End> {
  const kills = memoryKills()
  const child = fork(deps.program ?? MAIN, ['apart'], {
    env: { ...process.env, ...deps.env },
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const seen = { begun: false, progressed: false, silent: false }
  const gone = new AbortController()
  const side = served(deps, { claim, signal: AbortSignal.any([signal, gone.signal]), seen, child: () => other })
  const calls = connect(child, side)
  const other = calls.remote<ChildSide>('child')
  const unwatch = watched(child, other, signal, deps.lookMs ?? LOOK_MS, () => (seen.silent = true))
  const ended = endOf(child)
  const { fence, crashes } = claim
  const handed = { job, fence, crashes, workDir: deps.workDir, now: deps.store.now() }
  const result = other.work(handed).then(
    () => ({ over: true, error: undefined }),
    (error: unknown) => ({ over: true, error }),
  )
  const first = await Promise.race([result, ended.then(() => ({ over: false, error: undefined }))])
  if (first.over) release(child)
  const { code, signal: by } = await ended
  unwatch()
  // What is still done here in its name ends like what somebody else took over: another process may do it next.
  gone.abort(new Lost('the process of a suspect ended'))
  await calls.close()
  const stopped = signal.aborted
  if (first.error !== undefined && !stopped) throw first.error
  if (!seen.begun && !first.over && !stopped) throw new Error(`the process for a suspect did not start: ${by ?? code}`)
  const shortOfMemory = kills === undefined ? undefined : memoryKills() !== kills
  const { progressed, silent } = seen
  return { over: first.over || stopped, progressed, code, signal: by, shortOfMemory, silent }
}

/** How often the kernel has killed for memory since it was started; undefined where it does not tell. */
function memoryKills(): string | undefined {
  try {
    return /^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))?.[1]
  } catch {
    return undefined
  }
}

/** Waits, but no longer than it is wanted. */
async function waited(pause: Promise<void>, until: AbortSignal): Promise<void> {
  let forget = () => {}
  const aborted = new Promise<void>((ended) => (forget = onAbort(until, ended)))
  await Promise.race([pause, aborted])
  forget()
}

function onAbort(signal: AbortSignal, action: () => void): () => void {
  if (signal.aborted) action()
  signal.addEventListener('abort', action, { once: true })
  return () => signal.removeEventListener('abort', action)
}

/** It has nothing more to do: it ends by itself, or is ended. */
function release(child: ChildProcess): void {
  if (child.connected) child.disconnect()
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  child.once('exit', () => clearTimeout(timer))
}

/** Stops it when that is asked for, ends it when it answers no more, and lets it not outlive this process. @returns what ends the watch */
function watched(
  child: ChildProcess,
  other: ChildSide,
  signal: AbortSignal,
  lookMs: number,
  onSilence: () => void,
): () => void {
  let unanswered = 0
  const looking = setInterval(() => {
    if (++unanswered > LOOKS) {
      onSilence()
      child.kill('SIGKILL')
    }
    void other.answers().then(
      () => (unanswered = 0),
      () => {},
    )
  }, lookMs)
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const unstop = onAbort(signal, () => {
    const timer = setTimeout(kill, STOP_MS)
    child.once('exit', () => clearTimeout(timer))
    void other.stop(signal.reason instanceof Lost).catch(() => {})
  })
  return () => {
    clearInterval(looking)
    process.removeListener('exit', kill)
    unstop()
  }
}

function endOf(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    // It could not be started, or not be reached; the second is followed by its end.
    child.on('error', () => child.pid === undefined && resolve({ code: null, signal: null }))
  })
}
