import type { Running } from './types.ts'

const STOP_MS = 10_000

/** Runs a server until the process is asked to stop. */
export async function runUntilStopped(start: () => Promise<Running>): Promise<void> {
  const running = await start()
  await new Promise<void>((resolve) => {
    const stop = () => {
      // Whatever still hangs after the time is up must not keep the process: its work is found again from the database.
      setTimeout(() => process.exit(0), STOP_MS).unref()
      running.stop().then(resolve, resolve)
    }
    process.once('SIGTERM', stop)
    process.once('SIGINT', stop)
  })
  process.exit(0)
}
