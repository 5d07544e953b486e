import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from '../../src/workspace/confined.ts'
import { openSandbox } from '../../src/workspace/sandbox.ts'
import { removeTree } from '../../src/workspace/spawn.ts'
import type { Sandbox, SandboxKind } from '../../src/workspace/types.ts'
import { canFilter } from '../../src/workspace/unshare.ts'
import { ENGINE } from '../support/engine.ts'
import { WORKING } from '../support/isolation.ts'

/** Who a command is inside: in a container whoever its folders belong to. */
function accountOf(kind: SandboxKind): string {
  const own = process.getuid?.() === 0 ? 60_999 : (process.getuid?.() ?? 0)
  return String(kind === 'container' ? own : 1000)
}

describe.each([...WORKING, ...(ENGINE ? (['container'] as const) : [])])('commands are kept in by %s', (kind) => {
  let dir = ''
  let sandbox: Sandbox
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'muster-sandbox-'))
    process.env['A_SECRET_OF_THE_HOST'] = 'host-secret-value'
    const limits = {
      ...DEFAULT_LIMITS,
      processes: 60,
      fileBytes: 5_000_000,
      memoryBytes: 2 * 1024 ** 3,
      work: { bytes: 300_000_000, files: 20_000 },
    }
    sandbox = openSandbox(kind, limits, undefined, ENGINE)
  })
  afterAll(() => rmSync(dir, { recursive: true, force: true }))
  const sh = (command: string, timeoutMs = 20_000) => sandbox.run({ dir, argv: ['/bin/sh', '-c', command], timeoutMs })

  describe('the sandbox', () => {
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
      // Accounts of its own, not the machine's.
      expect(output.match(/^\w+:x:/gm)).toEqual(['root:x:', 'muster:x:', 'nobody:x:'])
      expect(output).toMatch(/touch: .*\/usr\/x/)
      expect(output).toMatch(/cannot access '\/.*No such file/)
      expect(output).toContain(accountOf(kind))
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

    it('has an address, an account and a git identity of its own, for tests that ask for them', async () => {
      const { output } = await sh(`node -e "
      const server = require('http').createServer((_, answer) => answer.end('served')).listen(0, 'localhost', async () => {
        console.log(await (await fetch('http://localhost:' + server.address().port)).text(), require('os').userInfo().username, require('os').hostname())
        server.close()
      })"; git init -q repo && cd repo && git commit -q --allow-empty -m first && git log --format=%an; whoami`)
      expect(output).toBe('served muster sandbox\nMuster\nmuster\n')
    })

    it('keeps its home from command to command, where it is given one', async () => {
      const home = mkdtempSync(join(tmpdir(), 'muster-home-'))
      const run = (command: string) => sandbox.run({ dir, home, argv: ['/bin/sh', '-c', command], timeoutMs: 20_000 })
      await run('echo kept > ~/file; echo ~')
      expect((await run('cat ~/file; pwd; cd; pwd')).output).toBe('kept\n/work\n/home/muster\n')
      rmSync(home, { recursive: true })
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

    it('takes nothing that a command prints for a sandbox that cannot be built', async () => {
      for (const command of [
        'unshare -r true; exit 1',
        'echo "unshare: unshare failed"; exit 1',
        'echo some; echo "walls: not built" >&2; exit 125',
      ])
        expect((await sh(command)).output.length, command).toBeGreaterThan(0)
      expect((await sh('echo only this')).output).toBe('only this\n')
    })

    it('ends with the process that started it, however that ends', async () => {
      const own = new URL('../../src/workspace/sandbox.ts', import.meta.url).href
      const seconds = 7000 + Math.floor(Math.random() * 900)
      const program = `const { openSandbox } = await import(${JSON.stringify(own)});
      await openSandbox(${JSON.stringify(kind)}, undefined, undefined, ${JSON.stringify(ENGINE)}).run({ dir: ${JSON.stringify(dir)}, argv: ['sh', '-c', 'echo > begun; sleep ' + (${seconds - 1} + 1)], timeoutMs: 600000 })`
      const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', program], {
        stdio: 'ignore',
      })
      const running = () => execFileSync('ps', ['-eo', 'args']).toString().includes(`sleep ${seconds}`)
      await expect.poll(() => existsSync(join(dir, 'begun'))).toBe(true)
      await expect.poll(running).toBe(true)
      child.kill('SIGKILL')
      await expect.poll(running).toBe(false)
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

  describe('the kernel and the machine behind the sandbox', () => {
    it('writes none of the kernel’s settings, and leaves nothing that runs as somebody else', async () => {
      const before = readFileSync('/proc/sys/kernel/core_pattern', 'utf8')
      const { output } = await sh(
        'for f in kernel/core_pattern kernel/hostname vm/drop_caches kernel/modprobe; do echo x > /proc/sys/$f; done; echo x > /proc/sysrq-trigger; cp /bin/true su; chmod 6755 su; id -u; cat /proc/self/status | grep -E "CapEff|NoNewPrivs|Seccomp:"',
      )
      expect(readFileSync('/proc/sys/kernel/core_pattern', 'utf8')).toBe(before)
      expect(output.match(/cannot create/g)?.length, output).toBe(5)
      expect(output).toMatch(/CapEff:\s+0+\b[^]*NoNewPrivs:\s+1[^]*Seccomp:/)
      // The one row that may differ; the doctor says so.
      if (kind !== 'unshare' || canFilter()) expect(output).toMatch(/Seccomp:\s+2/)
      const { uid, mode } = lstatSync(join(dir, 'su'))
      expect(uid === 0 && (mode & 0o6000) !== 0).toBe(false)
    })

    it.runIf(kind !== 'unshare' || canFilter())('refuses what attacks on kernels begin with', async () => {
      const script = `
import ctypes, socket, errno, platform
libc = ctypes.CDLL(None, use_errno=True)
arm = platform.machine() == 'aarch64'
def call(name, x64, arm64, *args):
    ctypes.set_errno(0)
    result = libc.syscall(arm64 if arm else x64, *args)
    print(name, 'WORKED' if result != -1 else errno.errorcode[ctypes.get_errno()])
call('keyctl', 250, 219, 0, -3, 0)
call('add_key', 248, 217, b'user', b'x', b'y', 1, -3)
call('bpf', 321, 280, 0, 0, 0)
call('ptrace', 101, 117, 0, 0, 0, 0)
call('unshare', 272, 97, 0x10000000)
call('clone', 56, 220, 0x10000000 | 17, 0, 0, 0, 0)
call('clone3', 435, 435, 0, 0)
call('io_uring', 425, 425, 1, 0)
call('perf', 298, 241, 0, 0, -1, -1, 0)
call('userfaultfd', 323, 282, 0)
for family in (40, 38, 17):
    try: socket.socket(family, socket.SOCK_RAW if family == 17 else socket.SOCK_STREAM if family == 40 else 5); print('family', family, 'WORKED')
    except OSError as e: print('family', family, errno.errorcode[e.errno])
socket.socket(socket.AF_UNIX); socket.socket(socket.AF_INET); print('fine')`
      writeFileSync(join(dir, 'calls.py'), script)
      const { output } = await sh('python3 calls.py || true')
      if (/python3: not found/.test(output)) return
      expect(output).not.toContain('WORKED')
      expect(output.match(/EPERM|ENOSYS|EAFNOSUPPORT/g)).toHaveLength(13)
      expect(output).toContain('fine')
    })

    it('38: shows neither how it was built nor whose machine it is', async () => {
      const { output } = await sh(
        'tr "\\0" " " < /proc/1/cmdline; cat /proc/1/environ; ls -l /proc/self/fd /proc/1/fd 2>&1',
      )
      expect(output).not.toContain('--ro-bind')
      expect(output, output).not.toContain(process.cwd())
      // Nothing that this process was started with is handed on: 0, 1, 2, and what `ls` itself has open.
      expect(output.match(/^l.* [3-9]\d* -> (?!\/proc\/|\/dev\/null|anon_inode)/gm) ?? []).toEqual([])
    })

    it('hands on no file that the server itself was started with', () => {
      const spawn = new URL('../../src/workspace/spawn.ts', import.meta.url).href
      const program = `const { run } = await import(${JSON.stringify(spawn)}); const { output } = await run('/bin/sh', ['-c', 'ls -l /proc/self/fd'], { env: {}, timeoutMs: 9000 }); process.stdout.write(output)`
      writeFileSync(join(dir, 'secret.txt'), 'x')
      const output = execFileSync('bash', [
        '-c',
        `exec 7<"$1" 99>>"$1"; exec "$2" --no-warnings --input-type=module -e "$3"`,
        'bash',
        join(dir, 'secret.txt'),
        process.execPath,
        program,
      ]).toString()
      expect(output).toContain('/dev/null')
      expect(output).not.toContain('secret.txt')
    })

    it.runIf(process.getuid?.() === 0)('drops root, also for a folder that root owns and keeps closed', async () => {
      const closed = mkdtempSync(join(tmpdir(), 'muster-closed-'))
      chmodSync(closed, 0o700)
      const [work, base] = [join(closed, 'work'), join(closed, 'base')]
      for (const one of [work, base]) mkdirSync(one)
      writeFileSync(join(work, 'old.txt'), 'of root\n')
      writeFileSync(join(base, 'b.txt'), 'base\n')
      const { output, exitCode } = await sandbox.run({
        dir: work,
        base,
        argv: [
          '/bin/sh',
          '-c',
          'cat old.txt /base.git/b.txt && echo new > old.txt && touch made && node -e "console.log(process.getuid())"',
        ],
        timeoutMs: 20_000,
      })
      expect({ output, exitCode }).toEqual({ output: `of root\nbase\n${accountOf(kind)}\n`, exitCode: 0 })
      expect(lstatSync(join(work, 'made')).uid).toBe(60_999)
      rmSync(closed, { recursive: true })
    })
  })

  describe('what a step may write in all', () => {
    it('ends a command that writes too much, or too many files', async () => {
      const own = () => mkdtempSync(join(tmpdir(), 'muster-quota-'))
      const [large, many] = [own(), own()]
      const run = (dir: string, command: string) =>
        sandbox.run({ dir, argv: ['/bin/sh', '-c', command], timeoutMs: 60_000 })
      const writing = 'i=0; while [ $i -lt 4000 ]; do head -c 4000000 /dev/zero > f$i; i=$((i+1)); done'
      await expect(run(large, writing)).rejects.toMatchObject({ code: 'workspace_full' })
      const script = 'for (let i = 0; i < 200000; i++) require("fs").writeFileSync("f" + i, "")'
      await expect(run(many, `node -e '${script}'`)).rejects.toMatchObject({ code: 'workspace_full' })
      expect((await run(own(), 'head -c 4000000 /dev/zero > x; ls')).output).toBe('x\n')
      for (const one of [large, many]) rmSync(one, { recursive: true })
    }, 120_000)

    it('removes a folder however deep a command made it', async () => {
      const deep = mkdtempSync(join(tmpdir(), 'muster-deep-'))
      const made = sandbox.run({
        dir: deep,
        argv: [
          '/bin/sh',
          '-c',
          'i=0; while [ $i -lt 60 ]; do n=$(printf "%0200d" $i); mkdir $n; cd $n; i=$((i+1)); done; touch x',
        ],
        timeoutMs: 20_000,
      })
      // Where others write at the same time its folders may be counted, and so deep they cannot be: then it is ended.
      await made.catch((error: unknown) => expect(error).toMatchObject({ code: 'workspace_full' }))
      await removeTree(deep)
      expect(existsSync(deep)).toBe(false)
    })
  })
})

// As container engines do: a covered /proc allows no fresh one.
it.runIf(process.getuid?.() === 0)('says what a container needs where parts of /proc are covered', () => {
  const choose = new URL('../../src/workspace/choose.ts', import.meta.url).href
  const program = `const { chooseSandbox } = await import(${JSON.stringify(choose)}); await chooseSandbox(undefined, '/nonexistent/engine').then(console.log, (error) => console.log(error.code, error.hint))`
  const covered = 'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec "$@"'
  const output = execFileSync('unshare', [
    '--mount',
    '--pid',
    '--fork',
    '--mount-proc',
    '/bin/sh',
    '-c',
    covered,
    'sh',
    process.execPath,
    '--no-warnings',
    '--input-type=module',
    '-e',
    program,
  ]).toString()
  expect(output).toMatch(/^no_sandbox .*systempaths=unconfined.*unmask=ALL/)
})

describe('where nothing can keep commands in', () => {
  const { PATH } = process.env
  const dir = mkdtempSync(join(tmpdir(), 'muster-sandbox-'))
  afterEach(() => {
    process.env['PATH'] = PATH
  })

  it('runs nothing, and says why and what to do', async () => {
    process.env['PATH'] = '/nonexistent'
    const refused = {
      code: 'no_sandbox',
      message: expect.stringMatching(/^No sandbox can be built here[^]*\nbubblewrap: [^]*\nunshare: /),
    }
    await expect(openSandbox(undefined).run({ dir, argv: ['true'], timeoutMs: 1000 })).rejects.toMatchObject(refused)
    await expect(openSandbox('bubblewrap').run({ dir, argv: ['true'], timeoutMs: 1000 })).rejects.toThrow('bubblewrap')
  })

  it('runs everything where the operator said so, with an empty environment', async () => {
    process.env['A_SECRET_OF_THE_HOST'] = 'host-secret-value'
    const argv = ['/bin/sh', '-c', 'echo "[$A_SECRET_OF_THE_HOST]"']
    expect((await openSandbox('none').run({ dir, argv, timeoutMs: 5000 })).output).toBe('[]\n')
  })
})
