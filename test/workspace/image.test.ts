import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultRepositorySettings } from '../../src/config/repository.ts'
import { machineOf } from '../../src/operate/machine.ts'
import type { CloneContext } from '../../src/roles/types.ts'
import { withCheckout } from '../../src/roles/workspace.ts'
import { findEngine } from '../../src/workspace/container.ts'
import { asRepository, localGit } from '../../src/workspace/local.ts'
import { openSandbox } from '../../src/workspace/sandbox.ts'
import type { Checkout, Git } from '../../src/workspace/types.ts'
import { makeImage } from '../../rehearsal/releases/image.ts'
import { ENGINE } from '../support/engine.ts'
import { SANDBOX } from '../support/isolation.ts'

const IMAGE = 'localhost/muster-test-own:1'

describe.runIf(ENGINE !== undefined)('a repository with an image of its own', () => {
  let dir = ''
  let git: Git
  const repository = asRepository('x', 'main')
  const machine = (setupNetwork = false) =>
    machineOf(
      {
        setupNetwork,
        setupHosts: [],
        dataDir: join(dir, 'data'),
        toolchainsDir: undefined,
        mise: undefined,
        containers: ENGINE,
      },
      {},
    )

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'muster-image-'))
    makeImage(ENGINE ?? '', IMAGE)
    const source = join(dir, 'source')
    const run = (...args: string[]) =>
      execFileSync('git', ['-C', source, '-c', 'user.name=x', '-c', 'user.email=x@x', ...args])
    execFileSync('git', ['init', '--quiet', '--initial-branch=main', source])
    const devcontainer = `{ "image": "${IMAGE}", "runArgs": ["--privileged"], "mounts": ["source=/,target=/host,type=bind"], "initializeCommand": "touch ${dir}/ran" }`
    const files = { 'a.txt': 'one\n', '.nvmrc': '10', '.devcontainer/devcontainer.json': devcontainer }
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(source, path)), { recursive: true })
      writeFileSync(join(source, path), text)
    }
    run('add', '-A')
    run('commit', '--quiet', '-m', 'x')
    git = localGit(source, join(dir, 'host'), openSandbox(SANDBOX, undefined, undefined, ENGINE))
  })
  afterAll(() => rmSync(dir, { recursive: true, force: true }))

  async function inClone<T>(
    checks: Partial<CloneContext['task']['settings']['checks']>,
    use: (checkout: Checkout) => Promise<T>,
    network = false,
  ): Promise<T> {
    const settings = defaultRepositorySettings()
    const sha = await git.resolve(repository, 'main')
    const context: CloneContext = {
      task: {
        settings: { ...settings, checks: { ...settings.checks, ...checks } },
        baseline: undefined,
        baseSha: sha,
        origin: { repository },
      },
      signal: new AbortController().signal,
      git,
      machine: machine(network),
      during: (_, work) => work(),
    }
    return withCheckout(context, sha, use)
  }

  it('has its commands run there, and Muster’s own programs where they always are', async () => {
    await inClone({ image: IMAGE }, async (checkout) => {
      const seen = await checkout.exec(
        'only-here; cat a.txt; ls /usr/bin/git /etc/shadow 2>&1; echo two >> a.txt; echo kept > ~/f',
      )
      expect(seen.output).toContain('of the image\none\n')
      expect(seen.output.match(/cannot access/g)).toHaveLength(2)
      expect(await checkout.exec('cat ~/f; echo "$A"; exit 3', { env: { A: 'b c' } })).toMatchObject({
        exitCode: 3,
        output: 'kept\nb c\n',
      })
      expect((await checkout.run(['git', 'diff', '--stat'])).output).toContain('a.txt')
      expect((await checkout.diff()).files).toEqual(['a.txt'])
      // The versions that its files ask for are the image's to bring.
      expect(checkout.outfit.toolchains).toEqual([])
    })
  })

  it('has the one that its devcontainer names, and nothing else of what that says', async () => {
    await inClone({ image: 'devcontainer' }, async (checkout) => {
      expect(checkout.outfit.image).toBe(IMAGE)
      const { output } = await checkout.exec('only-here; ls /host 2>&1; echo x > /dev/kmsg; cat /proc/self/status')
      expect(output).toContain('of the image')
      expect(output).toMatch(/\/host.*No such file/)
      expect(output).toMatch(/CapEff:\s+0{16}/)
      expect(output).toMatch(/Seccomp:\s+2/)
    })
    expect(execFileSync('ls', [dir]).toString()).not.toContain('ran')
  })

  it('is set up there, by the one way out, whatever libraries the image has', async () => {
    const checks = { image: IMAGE, setup: 'env > seen; ls -l /run/muster/proxy.sock >> seen', setupNetwork: true }
    await inClone(
      checks,
      async (checkout) => {
        const { output } = await checkout.exec('cat seen; env')
        expect(output).toMatch(/HTTPS_PROXY=http:\/\/127\.0\.0\.1:\d+/)
        expect(output).toContain('/run/muster/proxy.sock\n')
        expect((await checkout.exec('env; ls /run/muster')).output).not.toMatch(/PROXY=|proxy\.sock/)
      },
      true,
    )
  })

  it('is told where there is no such image, or no engine, and nothing is fetched that the operator does not allow', async () => {
    const image = 'registry.example.com/none/such:1'
    const asking = inClone({ image }, (checkout) => checkout.exec('true'), true)
    await expect(asking).rejects.toMatchObject({ code: 'no_image', hint: expect.stringContaining(`pull ${image}`) })
    expect(() => findEngine('no-such-engine')).toThrow('There is no no-such-engine here')
  })
})
