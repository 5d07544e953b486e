import { messageOf } from '../core/errors.ts'
import type { Log } from '../telemetry/log.ts'

export interface Repeated {
  now(): Promise<void>
  stop(): void
}

/** Repeats something in the background, never twice at once; a failure is logged, and the next turn comes all the same. */
export function every(ms: number, what: string, log: Log, action: () => Promise<unknown>): Repeated {
  let running: Promise<void> | undefined
  const turn = async () => {
    try {
      await action()
    } catch (error) {
      log.warn({ error: messageOf(error) }, what)
    } finally {
      running = undefined
    }
  }
  const once = () => (running ??= turn())
  const timer = setInterval(() => void once(), ms)
  return { now: once, stop: () => clearInterval(timer) }
}
