import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS, findProgram, openSandbox } from '../../src/workspace/sandbox.ts'
import type { Sandbox } from '../../src/workspace/types.ts'

const hasBubblewrap = findProgram('bwrap') !== undefined
if (!hasBubblewrap) {
  if (process.env['CI']) throw new Error('bubblewrap is needed in CI')
  process.stderr.write('skipped: bubblewrap is not installed\n')
}

let dir = ''
let sandbox: Sandbox
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'muster-sandbox-'))
  process.env['A_SECRET_OF_THE_HOST'] = 'host-secret-value'
  sandbox = openSandbox('bubblewrap', {
    ...DEFAULT_LIMITS,
    processes: 60,
    fileBytes: 5_000_000,
    memoryBytes: 2 * 1024 ** 3,
  })
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))
const sh = (command: string, timeoutMs = 20_000) => sandbox.run({ dir, argv: ['/bin/sh', '-c', command], timeoutMs })

describe.skipIf(!hasBubblewrap)('the sandbox', () => {
  it('38: has an empty environment and its own processes', async () => {
    const { output } = await sh(
      'env; cat /proc/1/environ | tr "\\0" "\\n"; ps auxe 2>/dev/null; ls /proc | grep -c "^[0-9]"',
    )
    expect(output).not.toContain('host-secret-value')
    expect(output).not.toContain('A_SECRET_OF_THE_HOST')
    expect(Number(output.trim().split('\n').at(-1))).toBeLessThan(10)
  })

  it('34, 37: has no network, not even a name server or the host itself', async () => {
    const { output } = await sh(`node -e "
      const tries = ['http://127.0.0.1:5432', 'http://169.254.169.254', 'http://[::ffff:127.0.0.1]:6379', 'http://example.com']
      Promise.all(tries.map((url) => fetch(url, { signal: AbortSignal.timeout(3000) }).then(() => 'REACHED', () => 'no'))).then((all) => console.log(all.join(' ')))"; ls /etc/resolv.conf 2>&1`)
    expect(output).toContain('no no no no')
    expect(output).toContain('No such file')
  })

  it('28, 36: sees nothing of the host but the system and its own folder, and cannot change the system', async () => {
    const { output } = await sh(
      `ls /root /home /var /work/.. 2>&1; cat /etc/shadow /etc/passwd 2>&1; touch /usr/x /etc/x 2>&1; echo ok > /work/here; cat /work/here; ls -d ${process.cwd()} ${tmpdir()}/muster-* 2>&1; id -u; mount -t tmpfs x /mnt 2>&1`,
    )
    expect(output).toContain('ok')
    expect(output).not.toMatch(/root:.*:/)
    expect(output).toMatch(/touch: .*\/usr\/x/)
    expect(output).toMatch(/cannot access '\/.*No such file/)
    expect(output).toContain('1000')
  })

  it('is limited in processes, memory, file size and time, and leaves nothing behind', async () => {
    const forks = await sh('for i in $(seq 1 300); do sleep 5 & done 2>&1; wait', 4000)
    expect(forks.exitCode === 124 || /Cannot fork|Resource temporarily/.test(forks.output)).toBe(true)
    const memory = await sh('node -e "const all = []; for (;;) all.push(Buffer.alloc(50_000_000, 1))"')
    expect(memory.exitCode).not.toBe(0)
    expect((await sh('head -c 50000000 /dev/zero > big; wc -c < big')).output).toMatch(/\b5000000\b/)
    const endless = await sh('while :; do :; done', 500)
    expect(endless).toMatchObject({ exitCode: 124, timedOut: true })
  })

  it('stops at once when told to, with everything it started', async () => {
    const controller = new AbortController()
    const running = sandbox.run({
      dir,
      argv: ['/bin/sh', '-c', 'setsid sleep 60 & sleep 60'],
      timeoutMs: 60_000,
      signal: controller.signal,
    })
    setTimeout(() => controller.abort(new Error('cancelled')), 300)
    await expect(running).rejects.toThrow('cancelled')
    expect((await sh('true')).exitCode).toBe(0)
  })

  it('bounds the output it keeps', async () => {
    const { output } = await sandbox.run({
      dir,
      argv: ['/bin/sh', '-c', 'yes | head -c 3000000'],
      timeoutMs: 20_000,
      maxOutput: 10_000,
    })
    expect(output.length).toBeLessThan(11_000)
    expect(output).toContain('characters left out')
  })

  it('22: takes arguments as they are', async () => {
    writeFileSync(join(dir, '$(touch hacked)'), 'x')
    const { output } = await sandbox.run({ dir, argv: ['ls', '$(touch hacked)', '; touch hacked2'], timeoutMs: 5000 })
    expect(output).toContain('$(touch hacked)')
    expect((await sh('ls')).output).not.toMatch(/^hacked/m)
  })
})

it('runs nothing without bubblewrap, unless told so', async () => {
  const { PATH } = process.env
  process.env['PATH'] = '/nonexistent'
  try {
    await expect(openSandbox('bubblewrap').run({ dir, argv: ['true'], timeoutMs: 1000 })).rejects.toThrow(
      'bubblewrap is not installed',
    )
  } finally {
    process.env['PATH'] = PATH
  }
  const plain = await openSandbox('none').run({
    dir,
    argv: ['/bin/sh', '-c', 'echo "[$A_SECRET_OF_THE_HOST]"'],
    timeoutMs: 5000,
  })
  expect(plain.output).toBe('[]\n')
})
