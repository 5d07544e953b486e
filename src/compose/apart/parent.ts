import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type End, verdictOf } from '../../core/poison.ts'
import { type Apart, type ApartJob, type Claim, Lost } from '../../leases/types.ts'
import type { Queue } from '../../queue/types.ts'
import type { Target } from '../../releases/types.ts'
import type { Store } from '../../store/types.ts'
import type { Log } from '../../telemetry/log.ts'
import { connect } from './calls.ts'
import type { ChildSide, ParentSide } from './types.ts'

const MAIN = fileURLToPath(new URL('../../main.ts', import.meta.url))
/** How long a process that was told to stop may take. */
const STOP_MS = 15_000

export interface ApartDeps {
  readonly store: Store
  readonly queue: Queue
  readonly target: Target
  readonly kick: () => void
  readonly log: Log
  readonly env: Readonly<Record<string, string | undefined>>
  /** The program that does it; Muster's own, unless a test has another. */
  readonly program?: string | undefined
}

/**
 * Does suspected work in processes of their own. Those have no connection to the database: the embedded one takes one process
 * only, so they ask this one.
 */
export function apartFrom(deps: ApartDeps): Apart {
  return async (job, claim, signal) => {
    for (let killed = 0; ; ) {
      const end = await once(deps, job, claim, signal)
      const verdict = verdictOf(end, killed)
      if (verdict.kind !== 'again') return verdict.kind
      killed = verdict.killed
      deps.log.warn({ ...job, ...end, killed }, 'the process of a suspect ended; another one tries again')
    }
  }
}

/** What is known of a process while it works. */
interface Seen {
  begun: boolean
  progressed: boolean
}

/** One process, from its start to its end. @throws what its work threw; an error where it did not even start */
async function once(deps: ApartDeps, job: ApartJob, claim: Claim, signal: AbortSignal): Promise<End> {
  const child = fork(deps.program ?? MAIN, ['apart'], {
    env: { ...process.env, ...deps.env },
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const seen: Seen = { begun: false, progressed: false }
  const unpack = (dir: string) => other.unpack(dir)
  const calls = connect(child, { ...served(deps, claim, signal, seen, unpack) })
  const other = calls.remote<ChildSide>('child')
  const unwatch = onAbort(signal, () => void stop(child, other, signal.reason instanceof Lost))
  const ended = endOf(child)
  const { fence, crashes } = claim
  const result = other.work({ job, fence, crashes, now: deps.store.now() }).then(
    () => ({ over: true, error: undefined }),
    (error: unknown) => ({ over: true, error }),
  )
  try {
    const first = await Promise.race([result, ended.then(() => ({ over: false, error: undefined }))])
    if (first.over && child.connected) child.disconnect()
    const { code, signal: by } = await ended
    if (!seen.begun && !signal.aborted) throw new Error(`the process for a suspect did not start: ${by ?? code}`)
    if (first.error !== undefined && !signal.aborted) throw first.error
    return { over: first.over || signal.aborted, progressed: seen.progressed, code, signal: by }
  } finally {
    calls.close()
    unwatch()
  }
}

function onAbort(signal: AbortSignal, action: () => void): () => void {
  if (signal.aborted) action()
  signal.addEventListener('abort', action, { once: true })
  return () => signal.removeEventListener('abort', action)
}

async function stop(child: ChildProcess, other: ChildSide, lost: boolean): Promise<void> {
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  child.once('exit', () => clearTimeout(timer))
  await other.stop(lost).catch(() => {})
}

function endOf(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    // It could not be started, or not be reached; the second is followed by its end.
    child.on('error', () => child.pid === undefined && resolve({ code: null, signal: null }))
  })
}

function served(
  { store, queue, target, kick }: ApartDeps,
  claim: Claim,
  signal: AbortSignal,
  seen: Seen,
  unpack: (dir: string) => Promise<void>,
): ParentSide {
  return {
    store: {
      ...store,
      leases: {
        ...store.leases,
        forgive: (fence) => {
          seen.progressed = true
          return store.leases.forgive(fence)
        },
      },
    },
    queue: {
      add: (job, options) => queue.add(job, options),
      addMany: (jobs) => queue.addMany(jobs),
      restore: (jobs) => queue.restore(jobs),
      ping: () => queue.ping(),
    },
    target: {
      current: (place) => target.current(place),
      observe: (id) => target.observe(id),
      log: (id) => target.log(id),
      probe: (place) => target.probe(place),
      apply: (request) => target.apply({ ...request, unpack, signal, mayAct: () => mayAct(claim) }),
    },
    work: {
      begins: async () => void (seen.begun = true),
      kick: async () => kick(),
    },
  }
}

function mayAct(claim: Claim): void {
  if (!claim.isMine()) throw new Lost(`${claim.fence.name} may belong to somebody else by now`)
}
