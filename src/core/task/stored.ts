import { firstGate } from './steps.ts'
import type { Gate, Task } from './types.ts'

/**
 * States as they are stored. What an older version wrote is read as this one would have written it; nothing is written for that,
 * since the chain counts what is stored.
 */

/** What this version writes; a migration that says `Alone` raises it, and sends away whoever writes less. */
export const FORMAT = 3

/** A state as any version has written it: until 0.4 there was one gate at a time. */
export type StoredTask = Omit<Task, 'gates'> & {
  readonly gates?: readonly Gate[] | undefined
  readonly gate?: Gate | undefined
}

export function readTask(stored: StoredTask): Task {
  const { gate, gates, ...rest } = stored
  return { ...rest, gates: gates ?? (gate ? [gate] : []) }
}

/** A state as the API shows it: with the gate that is asked about first under its old name as well. */
export function viewOf(task: Task): StoredTask {
  const gate = firstGate(task)
  return { ...task, ...(gate ? { gate } : {}) }
}
