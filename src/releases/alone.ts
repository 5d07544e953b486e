import { type Fence, Lost } from '../leases/types.ts'
import type { ReleaseDeps } from './types.ts'

/** How often an environment that somebody is deploying to is asked for, ms. */
const BUSY_MS = 500

/** What whoever acts on an environment goes by. */
export interface Held {
  /** Aborted as well when the claim on the environment may be lost. */
  readonly signal: AbortSignal
  /** Throws when somebody else may be at the step, or at the environment, by now. */
  readonly mayAct: () => void
  readonly fence: Fence
}

/** Does something while nobody else deploys there. The environment gives turns, so that hardly ever somebody does. @throws Lost */
export async function alone<T>(
  { hold, sleep }: Pick<ReleaseDeps, 'hold' | 'sleep'>,
  key: string,
  { signal, mayAct }: Omit<Held, 'fence'>,
  work: (held: Held) => Promise<T>,
): Promise<T> {
  let claim = await hold(key)
  while (!claim) {
    await sleep(BUSY_MS)
    signal.throwIfAborted()
    claim = await hold(key)
  }
  const held = claim
  const isStillMine = () => {
    mayAct()
    if (!held.isMine()) throw new Lost(`${key} may belong to somebody else by now`)
  }
  try {
    return await work({ signal: AbortSignal.any([signal, held.signal]), mayAct: isStillMine, fence: held.fence })
  } finally {
    await held.release().catch(() => {})
  }
}
