import { existsSync, readFileSync, rmSync } from 'node:fs'
import { run } from '../../../workspace/spawn.ts'

/** workerd outlives whoever started it where that is killed, and two may never have the same storage open. */

const ENDS_MS = 5000

/** How a runtime is told from any other process: its environment names the file that it says its number in. */
export const MARK = 'MUSTER_RUNTIME'

/** The runtime that says its number there, while it runs; no other process of that number. */
export async function runtimeIn(file: string): Promise<number | undefined> {
  const pid = pidIn(file)
  return pid !== undefined && (await environmentOf(pid)).includes(`${MARK}=${file}`) ? pid : undefined
}

/** The same at once, as far as this machine tells at once. */
export function isRuntimeRunning(file: string): boolean {
  const pid = pidIn(file)
  if (pid === undefined) return false
  if (existsSync('/proc/self/environ')) return readEnvironment(pid).includes(`${MARK}=${file}`)
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Ends it, where one runs. @throws where it does not end */
export async function endRuntime(file: string): Promise<void> {
  const until = Date.now() + ENDS_MS
  let pid = await runtimeIn(file)
  while (pid !== undefined) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended in between.
    }
    if (Date.now() > until) throw new Error(`the runtime ${pid} does not end`)
    await new Promise((resolve) => setTimeout(resolve, 20))
    pid = await runtimeIn(file)
  }
  rmSync(file, { force: true })
}

function pidIn(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    return Number.isInteger(pid) && pid > 1 ? pid : undefined
  } catch {
    return undefined
  }
}

async function environmentOf(pid: number): Promise<string> {
  if (existsSync('/proc/self/environ')) return readEnvironment(pid)
  const env = { PATH: process.env['PATH'] ?? '' }
  return run('ps', ['eww', '-o', 'command=', '-p', `${pid}`], { env, timeoutMs: 10_000 }).then(
    ({ output }) => output,
    () => '',
  )
}

/** Empty where it is gone, or somebody else's. */
function readEnvironment(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8')
  } catch {
    return ''
  }
}
