import { spawn } from 'node:child_process'
import { openSync, closeSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import type { ReleaseCommand } from '../types.ts'
import { isSameProcess, startTick } from '../../telemetry/process.ts'

/** A process that outlives this one: its own session, its output in a file. */
export interface Started {
  readonly pid: number
  readonly tick: string | undefined
}

/**
 * The environment of a deployed service: nothing of Muster's own. As in the sandbox its tests ran in, Muster's Node.js is found where
 * no other is named.
 */
export function serviceEnv(
  port: number,
  { env, path = [] }: Pick<ReleaseCommand, 'env' | 'path'>,
): Record<string, string> {
  return {
    PATH: [...path, dirname(process.execPath), process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin'].join(':'),
    HOME: '/tmp',
    LANG: 'C.UTF-8',
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    ...env,
    PORT: String(port),
  }
}

/** Starts a service detached; it goes on when Muster stops, and is found again by pid and start time. */
export async function startService(
  command: string,
  dir: string,
  logFile: string,
  env: Readonly<Record<string, string>>,
): Promise<Started> {
  const out = openSync(logFile, 'a', 0o600)
  try {
    const child = spawn('/bin/sh', ['-c', `exec ${command}`], {
      cwd: dir,
      env: { ...env },
      detached: true,
      stdio: ['ignore', out, out],
    })
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('spawn', () => resolve(child.pid ?? 0))
    })
    child.unref()
    return { pid, tick: startTick(pid) }
  } finally {
    closeSync(out)
  }
}

export function isAlive({ pid, tick }: Started): boolean {
  return isSameProcess(pid, tick)
}

/** Asks a service to stop, and makes it stop. Nothing is sent to a pid that now belongs to somebody else. */
export async function stopService(started: Started, graceMs: number): Promise<void> {
  const until = Date.now() + graceMs
  signal(started, 'SIGTERM')
  while (isAlive(started) && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 50))
  signal(started, 'SIGKILL')
}

function signal(started: Started, name: NodeJS.Signals): void {
  if (!isAlive(started)) return
  try {
    process.kill(-started.pid, name)
  } catch {
    // It ended in between.
  }
}

/** A port that nobody uses right now. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
}

/** The last part of a log file; empty when there is none. */
export async function tailOf(file: string, bytes = 4000): Promise<string> {
  try {
    const { size } = await stat(file)
    const handle = await open(file)
    try {
      const length = Math.min(size, bytes)
      const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length)
      return buffer.toString()
    } finally {
      await handle.close()
    }
  } catch {
    return ''
  }
}
