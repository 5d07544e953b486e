import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** Processes whose environment names this folder. */
function processesIn(dir: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(dir)
    } catch {
      return false
    }
  })
}

it('a demo whose server cannot start says why, and leaves neither a process nor a folder', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'muster-start-'))
  const env = {
    PATH: process.env['PATH'],
    HOME: dir,
    TMPDIR: dir,
    ANTHROPIC_API_KEY: 'x',
    ANTHROPIC_BASE_URL: 'nonsense',
    MUSTER_SANDBOX: 'none',
  }
  const { code, said } = await new Promise<{ code: number | null; said: string }>((done) => {
    const child = execFile(process.execPath, ['--no-warnings', MAIN, 'demo', '--live'], { env }, (_, stdout, stderr) =>
      done({ code: child.exitCode, said: stdout + stderr }),
    )
  })
  expect(code).toBe(1)
  expect(said).toContain('ANTHROPIC_BASE_URL: "nonsense" is no http(s) URL')
  expect(readdirSync(dir).filter((name) => name.startsWith('muster-'))).toEqual([])
  expect(processesIn(dir)).toEqual([])
  rmSync(dir, { recursive: true })
})
