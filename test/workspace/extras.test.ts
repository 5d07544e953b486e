import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commitFiles, git as bareGit } from '../../rehearsal/github/git.ts'
import { objectOf, storeLarge } from '../../rehearsal/github/lfs.ts'
import { type RehearsalGithub, startGithub } from '../../rehearsal/github/server.ts'
import { World } from '../../rehearsal/github/world.ts'
import { githubClient } from '../../src/channels/github/client.ts'
import { githubPlatform } from '../../src/channels/github/platform.ts'
import { remotesOf } from '../../src/channels/github/remotes.ts'
import { pointerIn, pointerText } from '../../src/core/lfs.ts'
import { isPlainPath, submoduleOf } from '../../src/core/submodules.ts'
import type { Repository } from '../../src/core/task/types.ts'
import { hostGit } from '../../src/workspace/git.ts'
import { asRepository, bringBranch, copyRepository, localGit } from '../../src/workspace/local.ts'
import { openSandbox } from '../../src/workspace/sandbox.ts'
import type { Checkout, Git } from '../../src/workspace/types.ts'
import { never } from '../support/clone.ts'
import { SANDBOX } from '../support/isolation.ts'

const LARGE = Buffer.from(Array.from({ length: 5000 }, (_, nth) => nth % 251))
const dir = mkdtempSync(join(tmpdir(), 'muster-extras-'))
let world: World
let github: RehearsalGithub
let git: Git
let shop: Repository
const shas: Record<string, string> = {}

/** A bare repository as its owner pushes it. @param files by path; a SHA stands for another repository there */
function made(
  name: string,
  files: Readonly<Record<string, string | Buffer>>,
  links: Readonly<Record<string, string>> = {},
) {
  const tree = join(dir, `${name}-tree`)
  const bare = join(dir, 'repos', `${name}.git`)
  const run = (...args: string[]) =>
    execFileSync('git', ['-C', tree, '-c', 'user.name=a', '-c', 'user.email=a@a', ...args])
      .toString()
      .trim()
  mkdirSync(tree, { recursive: true })
  mkdirSync(dirname(bare), { recursive: true })
  execFileSync('git', ['init', '--quiet', '--initial-branch=main', tree])
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true })
    writeFileSync(join(tree, path), text)
  }
  run('add', '-A')
  for (const [path, sha] of Object.entries(links)) run('update-index', '--add', '--cacheinfo', `160000,${sha},${path}`)
  run('commit', '--quiet', '-m', 'first')
  execFileSync('git', ['clone', '--quiet', '--bare', tree, bare])
  execFileSync('git', ['--git-dir', bare, 'config', 'http.receivepack', 'true'])
  shas[name] = run('rev-parse', 'HEAD')
  return bare
}

beforeAll(async () => {
  world = new World({ slug: 'muster', permissions: { contents: 'write', metadata: 'read' }, events: [] })
  const owner = world.addAccount('acme')
  const add = (id: number, name: string, bare: string) =>
    world.repos.push({ id, owner, name, dir: bare, writers: new Set([owner.login]) } as never)
  add(2, 'shared', made('shared', { 'lib.txt': 'shared\n', 'deep/er.txt': 'er\n' }))
  add(3, 'secret', made('secret', { 'plan.txt': 'secret plan\n' }))
  const bare = join(dir, 'repos', 'shop.git')
  const pointer = storeLarge(bare, LARGE)
  rmSync(bare, { recursive: true })
  add(
    1,
    'shop',
    made(
      'shop',
      {
        '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
        'data/big.bin': pointer,
        'data/gone.bin': pointerText({ oid: 'a'.repeat(64), size: 5 }),
        'app.txt': 'one\n',
        '.gitmodules':
          '[submodule "s"]\n\tpath = libs/shared\n\turl = ../shared.git\n[submodule "p"]\n\tpath = libs/secret\n\turl = ../secret.git\n[submodule "e"]\n\tpath = libs/elsewhere\n\turl = https://evil.example/a/b.git\n[core]\n\tfsmonitor = touch /tmp/evil\n',
      },
      {
        'libs/shared': shas['shared'] ?? '',
        'libs/secret': shas['secret'] ?? '',
        'libs/elsewhere': shas['shared'] ?? '',
      },
    ),
  )
  storeLarge(bare, LARGE)
  github = await startGithub(world)
  const client = githubClient(appOf())
  const remotes = remotesOf(client, githubPlatform(client), ['acme/shared'])
  git = hostGit(join(dir, 'host'), remotes, openSandbox(SANDBOX))
  shop = { id: 1, owner: 'acme', name: 'shop', defaultBranch: 'main', installationId: world.installationId }
})
afterAll(async () => {
  await github.close()
  rmSync(dir, { recursive: true, force: true })
})

const appOf = () => ({
  appId: String(world.app.id),
  privateKey: world.app.privateKey,
  apiUrl: `${github.url}/api/v3`,
  serverUrl: github.url,
})

const inClone = async <T>(use: (checkout: Checkout) => Promise<T>, submodules: readonly string[] = []): Promise<T> => {
  const checkout = await git.checkout(shop, shas['shop'] ?? '', never, { submodules })
  try {
    return await use(checkout)
  } finally {
    await checkout.dispose()
  }
}
const sh = async (checkout: Checkout, command: string) => (await checkout.exec(command)).output.trim()

describe('large files', () => {
  it('are there as they were stored, are nobody’s change, and what cannot be had is told', async () => {
    await inClone(async (checkout) => {
      expect(await sh(checkout, 'sha256sum < data/big.bin | cut -c1-64; wc -c < data/gone.bin')).toBe(
        `${pointerIn(storeLarge(join(dir, 'other'), LARGE))?.oid}\n126`,
      )
      expect(checkout.outfit.notes).toEqual(['1 large files (LFS) are not there: Object does not exist (404).'])
      expect(await checkout.diff()).toEqual({ diff: '', files: [] })
      await checkout.exec('echo two >> app.txt')
      expect((await checkout.diff()).files).toEqual(['app.txt'])
      await checkout.switchTo(shas['shop'] ?? '')
      expect(await sh(checkout, 'wc -c < data/big.bin; cat app.txt')).toBe('5000\none')
      expect(await checkout.diff()).toEqual({ diff: '', files: [] })
    })
  })

  it('that are changed are stored before the change is pushed, which has pointers', async () => {
    const { diff, files } = await inClone(async (checkout) => {
      await checkout.exec('printf new > data/big.bin; printf other > data/more.bin; echo two >> app.txt')
      return checkout.diff()
    })
    expect(files).toEqual(['app.txt', 'data/big.bin', 'data/more.bin'])
    const input = {
      repository: shop,
      branch: 'muster/large',
      parentSha: shas['shop'] ?? '',
      diff,
      message: 'Change it',
      author: { name: 'm', email: 'm@m' },
      at: 0,
    }
    const { sha } = await git.commitAndPush(input)
    expect(await git.commitAndPush(input)).toEqual({ sha })
    const bare = join(dir, 'repos', 'shop.git')
    const pointer = pointerIn(`${await bareGit(bare, ['show', `${sha}:data/big.bin`])}\n`)
    expect(pointer?.size).toBe(3)
    expect(readFileSync(objectOf(bare, pointer?.oid ?? ''), 'utf8')).toBe('new')
    expect(await bareGit(bare, ['show', `${sha}:data/more.bin`])).toMatch(/^version https:\/\/git-lfs/)
    expect(await bareGit(bare, ['show', `${sha}:app.txt`])).toBe('one\ntwo')
  })

  it('of a release are whole, or there is none', async () => {
    await expect(git.archive(shop, shas['shop'] ?? '', join(dir, 'release'))).rejects.toThrow(/would not be whole/)
    const large = await bareGit(join(dir, 'repos', 'shop.git'), ['rev-parse', 'refs/heads/muster/large'])
    const wrong = objectOf(join(dir, 'repos', 'shop.git'), 'a'.repeat(64))
    mkdirSync(dirname(wrong), { recursive: true })
    writeFileSync(wrong, 'wrong')
    await expect(git.archive(shop, large, join(dir, 'release'))).rejects.toThrow(/not what was stored/)
  })

  it('keep their modes, are whole however large, and come along where single files are taken from another commit', async () => {
    const bare = join(dir, 'repos', 'shop.git')
    const tool = Buffer.from('#!/bin/sh\necho runs\n')
    const pointer = storeLarge(bare, tool)
    const blob = execFileSync('git', ['--git-dir', bare, 'hash-object', '-w', '--stdin'], { input: pointer })
      .toString()
      .trim()
    const attributes = execFileSync('git', ['--git-dir', bare, 'hash-object', '-w', '--stdin'], {
      input: '*.bin filter=lfs\nhidden.bin export-ignore\n',
    })
    const tree = execFileSync('git', ['--git-dir', bare, 'mktree'], {
      input: `100755 blob ${blob}\ttool.bin\n100644 blob ${blob}\thidden.bin\n100644 blob ${attributes.toString().trim()}\t.gitattributes\n`,
    })
    const sha = execFileSync('git', [
      '--git-dir',
      bare,
      '-c',
      'user.name=a',
      '-c',
      'user.email=a@a',
      'commit-tree',
      tree.toString().trim(),
      '-m',
      'tool',
      '-p',
      'main',
    ])
      .toString()
      .trim()
    await bareGit(bare, ['update-ref', 'refs/heads/tool', sha])
    const checkout = await git.checkout(shop, sha, never)
    let diff = ''
    try {
      expect(await sh(checkout, './tool.bin')).toBe('runs')
      expect(await checkout.diff()).toEqual({ diff: '', files: [] })
      await checkout.exec('head -c 25000000 /dev/zero > zeros.bin')
      diff = (await checkout.diff()).diff
    } finally {
      await checkout.dispose()
    }
    const made = { branch: 'muster/zeros', parentSha: sha, message: 'm', author: { name: 'm', email: 'm@m' }, at: 0 }
    const pushed = await git.commitAndPush({ ...made, repository: shop, diff })
    const stored = pointerIn(`${await bareGit(bare, ['show', `${pushed.sha}:zeros.bin`])}\n`)
    expect(stored).toMatchObject({ size: 25_000_000 })
    expect(readFileSync(objectOf(bare, stored?.oid ?? '')).equals(Buffer.alloc(25_000_000))).toBe(true)
    const to = join(dir, 'with-tool')
    await git.archive(shop, sha, to)
    expect(execFileSync(join(to, 'tool.bin')).toString()).toBe('runs\n')
    expect(existsSync(join(to, 'hidden.bin'))).toBe(false)
    await inClone(async (other) => {
      await other.run(['git', 'checkout', '--quiet', sha, '--', 'tool.bin'])
      expect(await sh(other, 'wc -c < tool.bin')).not.toBe(String(tool.length))
      await other.fillFrom(sha, ['tool.bin'])
      expect(await sh(other, './tool.bin')).toBe('runs')
    })
  })

  it('of a repository on this machine are those that LFS keeps there, and come back with a branch', async () => {
    const own = join(dir, 'own')
    const run = (...args: string[]) =>
      execFileSync('git', ['-C', own, '-c', 'user.name=a', '-c', 'user.email=a@a', ...args])
        .toString()
        .trim()
    execFileSync('git', ['init', '--quiet', '--initial-branch=main', own])
    writeFileSync(join(own, '.gitattributes'), '*.bin filter=lfs\n')
    writeFileSync(join(own, 'a.bin'), storeLarge(join(own, '.git'), LARGE))
    run('add', '-A')
    run('commit', '--quiet', '-m', 'x')
    const local = { path: own, sha: run('rev-parse', 'HEAD'), branch: 'main', uncommitted: 0 }
    const bare = join(dir, 'own-copy.git')
    await copyRepository(local, bare)
    const over = localGit(bare, join(dir, 'own-host'), openSandbox(SANDBOX))
    const checkout = await over.checkout(asRepository('own', 'main'), local.sha, never)
    expect(await sh(checkout, 'wc -c < a.bin')).toBe('5000')
    await checkout.dispose()
    const made = storeLarge(bare, Buffer.from('made'))
    await bareGit(bare, ['update-ref', 'refs/heads/muster/x', local.sha])
    expect(await bringBranch(bare, 'muster/x', local)).toBe('muster/x')
    expect(readFileSync(objectOf(join(own, '.git'), pointerIn(made)?.oid ?? ''), 'utf8')).toBe('made')
  })

  it('are pointers in exactly this form', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-f]{64}$/), fc.nat(), (oid, size) => {
        expect(pointerIn(pointerText({ oid, size }))).toEqual({ oid, size })
      }),
    )
    for (const text of [
      '',
      'version x\noid sha256:1\nsize 1\n',
      `${pointerText({ oid: 'a'.repeat(64), size: 1 })}${' '.repeat(1024)}`,
    ])
      expect(pointerIn(text)).toBe(undefined)
  })
})

describe('submodules', () => {
  const PATHS = ['libs/shared', 'libs/secret', 'libs/elsewhere', 'libs/none']

  it('come along where the settings name them and the operator or everybody may read them; the others are told', async () => {
    await inClone(async (checkout) => {
      expect(
        await sh(checkout, 'cat libs/shared/lib.txt libs/shared/deep/er.txt; ls libs/secret libs/elsewhere'),
      ).toMatch(/^shared\ner\nlibs\/elsewhere:\n+libs\/secret:$/)
      const notes = checkout.outfit.notes.join('\n')
      expect(notes).toMatch(/libs\/secret is not there: Muster may not read acme\/secret/)
      expect(notes).toMatch(/libs\/elsewhere is not there: `.gitmodules` names no repository of the same server/)
      expect(notes).not.toContain('libs/none')
      expect(checkout.others).toEqual(['libs/shared'])
    }, PATHS)
    await inClone(async (checkout) => {
      expect(await sh(checkout, 'ls libs/shared')).toBe('')
    })
  })

  it('are never part of a change, whatever is done in them', async () => {
    await inClone(async (checkout) => {
      await checkout.exec(
        'echo x >> libs/shared/lib.txt; echo y > libs/shared/new; rm -r libs/shared/deep; echo two >> app.txt',
      )
      expect((await checkout.diff()).files).toEqual(['app.txt'])
    }, PATHS)
  })

  it('are as their commit has them, whatever was there before', async () => {
    await inClone(async (checkout) => {
      await checkout.exec('echo old > libs/shared/stale; rm libs/shared/lib.txt')
      await checkout.switchTo(shas['shop'] ?? '')
      expect(await sh(checkout, 'cd libs/shared && find . -type f | sort')).toBe('./deep/er.txt\n./lib.txt')
    }, PATHS)
  })

  it('of a release are unpacked where they stand', async () => {
    const bare = join(dir, 'repos', 'shop.git')
    const tree = execFileSync('git', ['--git-dir', bare, 'mktree'], {
      input: execFileSync('git', ['--git-dir', bare, 'ls-tree', 'main'])
        .toString()
        .split('\n')
        .filter((line) => !line.endsWith('\tdata'))
        .join('\n'),
    })
    const sha = execFileSync('git', [
      '--git-dir',
      bare,
      '-c',
      'user.name=a',
      '-c',
      'user.email=a@a',
      'commit-tree',
      tree.toString().trim(),
      '-m',
      'small',
      '-p',
      'main',
    ])
      .toString()
      .trim()
    await bareGit(bare, ['update-ref', 'refs/heads/small', sha])
    const to = join(dir, 'released')
    await git.archive(shop, sha, to, ['libs/shared'])
    expect(readFileSync(join(to, 'libs/shared/deep/er.txt'), 'utf8')).toBe('er\n')
  })

  it('lead to repositories of the same server, and to no other place', () => {
    const of = { owner: 'acme', name: 'shop', server: 'https://github.com/acme/shop.git' }
    const shared = { owner: 'acme', name: 'shared' }
    for (const url of [
      '../shared.git',
      '../../acme/shared',
      'https://github.com/acme/shared.git',
      'git@github.com:acme/shared.git',
      'ssh://git@github.com/acme/shared',
      'git://github.com/acme/shared.git/',
    ])
      expect([url, submoduleOf(url, of)]).toEqual([url, shared])
    for (const url of [
      'https://evil.example/acme/shared',
      'git@evil.example:acme/shared.git',
      'file:///etc/passwd',
      '/etc/passwd',
      'ext::sh -c touch% /tmp/x',
      '../../../x',
      '../..',
      'https://github.com/acme/..',
      'https://github.com/acme/a/b',
      '-u evil',
      '',
    ])
      expect([url, submoduleOf(url, of)]).toEqual([url, undefined])
    for (const path of ['a/../b', '/a', 'a//b', '.git/hooks', 'a/.GIT/x', 'a\r', 'a\nb', ''])
      expect([path, isPlainPath(path)]).toEqual([path, false])
    expect(isPlainPath('libs/täst-1/x y')).toBe(true)
  })
})

describe('a repository with a very long history', () => {
  it('is copied without old contents: what a commit has is there, and what a change needs', async () => {
    const bare = join(dir, 'repos', 'shop.git')
    for (const name of ['uploadpack.allowFilter', 'uploadpack.allowAnySHA1InWant'])
      await bareGit(bare, ['config', name, 'true'])
    const old = await bareGit(bare, ['rev-parse', 'main:app.txt'])
    const sha = await commitFiles(bare, 'small', { 'app.txt': 'two\n' }, 'a', 'Change')
    await bareGit(bare, ['update-ref', 'refs/heads/small', sha])
    const copies = join(dir, 'partial')
    const remote = remotesOf(githubClient(appOf()), githubPlatform(githubClient(appOf())), [])
    const host = hostGit(copies, { ...remote, sizeKib: async () => 5_000_000 }, openSandbox(SANDBOX))
    const checkout = await host.checkout(shop, sha, never)
    try {
      expect(await sh(checkout, 'cat app.txt; git log --oneline | wc -l; git status --short')).toBe('two\n3')
      expect(checkout.outfit.notes.join()).toContain('git blame')
      await checkout.exec('echo three >> app.txt')
      const { diff } = await checkout.diff()
      const made = { branch: 'muster/p', parentSha: sha, message: 'm', author: { name: 'm', email: 'm@m' }, at: 0 }
      const pushed = await host.commitAndPush({ ...made, repository: shop, diff })
      expect(await bareGit(bare, ['show', `${pushed.sha}:app.txt`])).toBe('two\nthree')
    } finally {
      await checkout.dispose()
    }
    const to = join(dir, 'from-partial')
    await host.archive(shop, sha, to)
    expect(readFileSync(join(to, 'app.txt'), 'utf8')).toBe('two\n')
    const own = join(copies, 'repos', '1.git')
    const has = (object: string) =>
      bareGit(own, ['rev-list', '--objects', '--all', '--missing=print']).then((all) => all.includes(`?${object}`))
    expect(await has(old)).toBe(true)
    // What is asked for later is brought then.
    expect(await host.show(shop, await bareGit(bare, ['rev-parse', 'main']), 'app.txt')).toBe('one\n')
    expect(await has(old)).toBe(false)
  })
})
