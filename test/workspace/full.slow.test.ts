import { execFileSync } from 'node:child_process'
import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { startServer } from '../../src/compose/server.ts'
import { isDiskFull } from '../../src/core/errors.ts'
import type { Repository } from '../../src/core/task/types.ts'
import { importFolder } from '../../rehearsal/github/git.ts'
import { toolsFor } from '../../src/tools/tools.ts'
import { hostGit } from '../../src/workspace/git.ts'
import { openSandbox } from '../../src/workspace/sandbox.ts'
import { SANDBOX } from '../support/isolation.ts'
import { copyTemplate } from '../support/scene.ts'
import type { Git } from '../../src/workspace/types.ts'

const repository: Repository = { id: 1, owner: 'acme', name: 'x', defaultBranch: 'main', installationId: 1 }
const never = new AbortController().signal
const sandbox = openSandbox(SANDBOX)
const mounted: string[] = []

/** Only root may mount a small file system. */
function mountable(): boolean {
  const dir = mkdtempSync(join(tmpdir(), 'muster-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir], { stdio: 'ignore' })
    execFileSync('umount', [dir])
    return true
  } catch {
    process.stderr.write('skipped: a full disk can only be tried where a small file system may be mounted (as root)\n')
    return false
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Git on a file system of this size, with a repository in it. */
async function gitOn(megabytes: number): Promise<{ git: Git; dir: string; sha: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'muster-full-'))
  mounted.push(dir)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', dir])
  const files = join(dir, 'files')
  mkdirSync(files)
  writeFileSync(join(files, 'a.txt'), 'one\n')
  const remote = join(dir, 'remote.git')
  await importFolder(remote, files, 'alice', 'first')
  cpSync(remote, join(dir, 'repos', '1.git'), { recursive: true })
  const sha = execFileSync('git', ['--git-dir', remote, 'rev-parse', 'main']).toString().trim()
  return {
    git: hostGit(
      dir,
      {
        remote: () => Promise.resolve({ url: 'http://127.0.0.1:9/', authorization: 'x' }),
        askedToWait: async () => undefined,
      },
      sandbox,
    ),
    dir,
    sha,
  }
}

describe.skipIf(!mountable())('a full disk (reliability.md R23)', () => {
  afterEach(() => {
    for (const dir of mounted.splice(0)) {
      execFileSync('umount', ['-l', dir])
      rmSync(dir, { recursive: true, force: true })
    }
  })

  it('where the data is: webhooks are not taken, and it says why; with room again it goes on', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'muster-full-'))
    mounted.push(dir)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400m', 'tmpfs', dir])
    copyTemplate(join(dir, 'data'))
    const secret = 'a-long-secret-of-this-test'
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    })
    const running = await startServer(
      {
        PORT: '0',
        HOST: '127.0.0.1',
        MUSTER_DATA: join(dir, 'data'),
        LOG_LEVEL: 'silent',
        APP_ID: '1',
        PRIVATE_KEY: privateKey,
        WEBHOOK_SECRET: secret,
        GITHUB_SERVER_URL: 'http://127.0.0.1:9',
      },
      'test',
    )
    const body = JSON.stringify({ zen: 'x'.repeat(200_000) })
    const send = async () => {
      const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
      const headers = {
        'content-type': 'application/json',
        'x-github-event': 'ping',
        'x-github-delivery': randomUUID(),
        'x-hub-signature-256': signature,
      }
      return (await fetch(`http://127.0.0.1:${running.port}/api/github/webhooks`, { method: 'POST', body, headers }))
        .status
    }
    try {
      expect(await send()).toBe(202)
      const { bavail, bsize } = statfsSync(dir)
      writeFileSync(join(dir, 'fill'), Buffer.alloc(bavail * bsize))
      const answers: number[] = []
      for (let n = 0; n < 40 && !answers.includes(503); n++) answers.push(await send())
      expect(answers.at(-1)).toBe(503)
      const ready = await fetch(`http://127.0.0.1:${running.port}/readyz`)
      expect(ready.status).toBe(503)
      expect(await ready.json()).toMatchObject({
        ok: false,
        checks: expect.arrayContaining([
          expect.objectContaining({ name: 'disk', ok: false, detail: expect.stringContaining('no room left') }),
        ]),
      })
      rmSync(join(dir, 'fill'))
      await expect.poll(send).toBe(202)
    } finally {
      await running.stop()
    }
  }, 60_000)

  it('is refused clearly before a clone is begun', async () => {
    const { git, sha } = await gitOn(200)
    await expect(git.checkout(repository, sha, never)).rejects.toMatchObject({
      code: 'disk_full',
      message: expect.stringContaining('no room left'),
      hint: expect.stringContaining('retry'),
    })
  })

  it('that a command fills is told to the model, ends the step clearly, and is free again afterwards', async () => {
    const { git, dir, sha } = await gitOn(340)
    const free = () => statfsSync(dir).bavail * statfsSync(dir).bsize
    const before = free()
    const checkout = await git.checkout(repository, sha, never)
    const filled = await checkout.run(['/bin/sh', '-c', 'head -c 400000000 /dev/zero > fill'], { timeoutMs: 30_000 })
    expect(filled.exitCode).not.toBe(0)
    expect(filled.output).toMatch(/no space left|file too large/i)
    const write = toolsFor(['write'], 'sd').find((one) => one.name === 'write')
    const context = { checkout, timeoutMs: 20_000, mayWrite: () => ({ ok: true, detail: '' }) }
    const told = await write?.call({ path: 'b.txt', content: 'x'.repeat(1_000_000) }, context)
    expect(told?.isError).toBe(true)
    const failure: unknown = await checkout.diff().then(
      () => undefined,
      (error: unknown) => error,
    )
    // The comparison may still fit in; where it does not, it says why.
    if (failure !== undefined) expect(isDiskFull(failure)).toBe(true)
    await checkout.dispose()
    expect(free()).toBeGreaterThan(before - 5_000_000)
    const again = await git.checkout(repository, sha, never)
    expect((await again.run(['cat', 'a.txt'])).output).toBe('one\n')
    await again.dispose()
  })
})
