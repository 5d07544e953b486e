import { spawn } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { COMMAND_LOG } from '../local/log.ts'
import { isAlive, type Started } from '../local/process.ts'

/** A command that goes on where Muster ends, and whose end is found again. */

/** Runs the rest of its arguments; who it is, its output and its end are written into a folder. Field 22 of proc(5) stat: when it was started. */
const NOTED = [
  'echo "$$ $(cut -d" " -f22 "/proc/$$/stat" 2>/dev/null)" > "$0/pid.part" && mv "$0/pid.part" "$0/pid"',
  `"$@" > "$0/${COMMAND_LOG}" 2>&1 < /dev/null`,
  'echo $? > "$0/exit.part" && mv "$0/exit.part" "$0/exit"',
].join('\n')
const LOOK_MS = 100
/** How long it has to end by itself; ms. */
const GRACE_MS = 10_000

/** Starts it, in a session and a process group of its own. @param folder where it writes who it is, its output and its end */
export async function begin(
  argv: readonly string[],
  folder: string,
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  for (const file of ['exit', 'pid']) await rm(join(folder, file), { force: true })
  const child = spawn('/bin/sh', ['-c', NOTED, folder, ...argv], {
    cwd,
    env: { ...env },
    detached: true,
    stdio: 'ignore',
  })
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('spawn', () => resolve())
  })
  child.unref()
  while (child.exitCode === null && !(await begunIn(folder))) await new Promise((resolve) => setTimeout(resolve, 10))
}

/** The process that was begun there last, by whomever. */
export async function begunIn(folder: string): Promise<Started | undefined> {
  const [pid = '', tick] = (await readFile(join(folder, 'pid'), 'utf8').catch(() => '')).trim().split(' ')
  return /^[1-9]\d*$/.test(pid) ? { pid: Number(pid), tick: tick || undefined } : undefined
}

/** Whether one runs there, or has ended by itself: then nobody has to begin it. */
export async function isBegun(folder: string): Promise<boolean> {
  const begun = await begunIn(folder)
  return (begun !== undefined && isAlive(begun)) || (await exitOf(folder)) !== undefined
}

/** Its exit code; undefined while it has none, and where it was killed. */
export async function exitOf(folder: string): Promise<number | undefined> {
  const text = await readFile(join(folder, 'exit'), 'utf8').catch(() => '')
  return /^\d+$/.test(text.trim()) ? Number(text) : undefined
}

export type Ended =
  | { readonly code: number }
  | { readonly code: undefined; readonly why: 'killed' | 'late' | 'aborted' }

/** Waits for the end of what was begun there, or ends it with all that it has started. */
export async function ended(
  folder: string,
  {
    until,
    signal,
    ends,
  }: { readonly until: number; readonly signal: AbortSignal; readonly ends: (reason: unknown) => boolean },
): Promise<Ended> {
  const begun = await begunIn(folder)
  for (;;) {
    const isRunning = begun !== undefined && isAlive(begun)
    const code = await exitOf(folder)
    if (code !== undefined) return { code }
    if (!isRunning) return { code: undefined, why: 'killed' }
    if (signal.aborted) {
      if (ends(signal.reason)) await endGroup(begun.pid)
      return { code: undefined, why: 'aborted' }
    }
    if (Date.now() > until) {
      await endGroup(begun.pid)
      return { code: undefined, why: 'late' }
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

/** All of it, also what lives on when its first process has ended. */
async function endGroup(pid: number): Promise<void> {
  const until = Date.now() + GRACE_MS
  signalled(pid, 'SIGTERM')
  while (signalled(pid, 0) && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  signalled(pid, 'SIGKILL')
}

/** @returns whether anybody is left to hear it */
function signalled(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal)
  } catch {
    return false
  }
}
