import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultRepositorySettings } from '../../src/config/repository.ts'
import { withCheckout } from '../../src/roles/workspace.ts'
import type { CloneContext } from '../../src/roles/types.ts'
import { asRepository, localGit } from '../../src/workspace/local.ts'
import { openSandbox } from '../../src/workspace/sandbox.ts'
import { SANDBOX } from '../support/isolation.ts'
import { BARE_MACHINE } from '../support/machine.ts'

const MANIFEST = '{"name":"x","dependencies":{"a":"1"}}'

describe.each([...new Set([SANDBOX, 'none' as const])])('what a set-up leaves, kept by %s', (kind) => {
  let dir = ''
  let source = ''
  const repository = asRepository('x', 'main')
  const sandbox = openSandbox(kind)
  let kept = ''
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', source, '-c', 'user.name=x', '-c', 'user.email=x@x', ...args])
      .toString()
      .trim()
  const commit = (files: Readonly<Record<string, string>>) => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(source, path, '..'), { recursive: true })
      writeFileSync(join(source, path), text)
    }
    git('add', '-A')
    git('commit', '--quiet', '-m', 'x')
    return git('rev-parse', 'HEAD')
  }
  // What was set up is counted outside, where nothing of it can be restored.
  const setups: string[] = []

  function context(setup: string, more: Partial<CloneContext['task']['settings']['checks']> = {}): CloneContext {
    const settings = defaultRepositorySettings()
    return {
      task: {
        settings: { ...settings, checks: { ...settings.checks, setup, ...more } },
        baseline: undefined,
        baseSha: undefined,
        origin: { repository },
      },
      signal: new AbortController().signal,
      git: hosted,
      machine: { ...BARE_MACHINE, setupNetwork: true },
      during: async (doing, work) => {
        if (doing.kind === 'command' && doing.command === setup) setups.push(setup)
        return work()
      },
    }
  }
  let hosted: CloneContext['git']
  const sees = (command: string, setup: string, sha: string, more = {}) =>
    withCheckout(context(setup, more), sha, async (checkout) => {
      const { output } = await checkout.exec(command)
      return { output, diff: (await checkout.diff()).files, isSetUp: checkout.isSetUp }
    })

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'muster-snapshots-'))
    source = join(dir, 'source')
    execFileSync('git', ['init', '--quiet', '--initial-branch=main', source])
    hosted = localGit(source, join(dir, 'host'), sandbox)
    kept = join(dir, 'host', 'kept')
  })
  afterAll(() => rmSync(dir, { recursive: true, force: true }))

  it('is there again in the next clone, at the same commit, without the set-up', async () => {
    const sha = commit({ 'package.json': MANIFEST, '.gitignore': 'made/\n', 'src/a': 'one\n', run: '#!/bin/sh\n' })
    await hosted.resolve(repository, 'main')
    const setup =
      'mkdir made && date +%N > made/at && cp made/at ~/at && ln -s ../src/a made/link && chmod 700 run && echo new > left'
    const look = 'cat made/at ~/at; cat made/link; git rev-parse HEAD; git status --porcelain; stat -c %a run'
    const first = await sees(look, setup, sha)
    const again = await sees(look, setup, sha)
    expect([first.isSetUp, again.isSetUp]).toEqual([false, true])
    expect(again.output).toBe(first.output)
    expect(again.output).toContain(`one\n${sha}\n`)
    expect(again.diff).toEqual(first.diff)
    expect(setups.filter((one) => one === setup)).toHaveLength(1)
  })

  it('is made once by many who need it at the same time, and each has its own', async () => {
    const setup = 'sleep 0.3; date +%N > left; echo many'
    const sha = git('rev-parse', 'HEAD')
    const all = await Promise.all(
      [1, 2, 3, 4].map((nth) => sees(`cat left; echo ${nth} >> src/a; cat src/a`, setup, sha)),
    )
    expect(setups.filter((one) => one === setup)).toHaveLength(1)
    expect(new Set(all.map(({ output }) => output.split('\n')[0])).size).toBe(1)
    expect(all.map(({ output }) => output.split('\n').slice(1, 3)).flat()).toEqual([
      'one',
      '1',
      'one',
      '2',
      'one',
      '3',
      'one',
      '4',
    ])
  })

  it('of an installation serves later commits, each with its own files, until a manifest changes', async () => {
    // Over the network, which this command does not touch.
    const more = { setupNetwork: true }
    const setup = 'npm install'
    const sha = commit({ 'package.json': '{"name":"x","private":true}', 'src/b': 'b\n', 'src/gone': 'x\n' })
    await hosted.resolve(repository, 'main')
    await sees('true', setup, sha, more)
    rmSync(join(source, 'src/gone'))
    const later = commit({ 'src/a': 'two\n', 'src/c': 'c\n' })
    await hosted.resolve(repository, 'main')
    const seen = await sees('cat src/a src/c; ls src; git status --porcelain --untracked-files=no', setup, later, more)
    expect(seen).toMatchObject({ isSetUp: true, output: 'two\nc\na\nb\nc\n' })
    const changed = commit({ 'package.json': '{"name":"y","private":true}' })
    await hosted.resolve(repository, 'main')
    expect((await sees('true', setup, changed, more)).isSetUp).toBe(false)
  })

  it('is kept of what was merged alone, and not of a set-up that failed', async () => {
    git('checkout', '--quiet', '-b', 'by-a-model')
    const theirs = commit({ 'src/theirs': 'x' })
    git('checkout', '--quiet', 'main')
    await hosted.resolve(repository, 'by-a-model')
    for (const nth of [1, 2]) expect((await sees('true', 'echo theirs', theirs)).isSetUp, `${nth}`).toBe(false)
    const sha = git('rev-parse', 'HEAD')
    for (const nth of [1, 2])
      await expect(sees('true', 'echo fails; exit 1', sha), `${nth}`).rejects.toThrow('exit code 1')
    expect((await sees('true', 'echo fails', sha)).isSetUp).toBe(false)
  })

  it('knows the tags of a release, and is deceived by none that is called like the default branch', async () => {
    const sha = git('rev-parse', 'HEAD')
    git('tag', 'v1.2.0', sha)
    git('tag', 'main', 'by-a-model')
    expect(await hosted.resolve(repository, 'main')).toBe(sha)
    expect(await hosted.resolve(repository, 'v1.2.0')).toBe(sha)
    expect((await sees('git describe --tags --match "v*"', 'echo tagged', sha)).output).toBe('v1.2.0\n')
    const theirs = git('rev-parse', 'refs/heads/by-a-model')
    for (const nth of [1, 2]) expect((await sees('true', 'echo deceived', theirs)).isSetUp, `${nth}`).toBe(false)
    git('tag', '-d', 'main')
    await hosted.resolve(repository, 'main')
  })

  it('is set up anew where what was kept is damaged, and nothing of the damaged one is seen', async () => {
    const sha = git('rev-parse', 'HEAD')
    const setup = 'echo whole > whole'
    await sees('true', setup, sha)
    const work = execFileSync('find', [kept, '-name', 'whole', '-printf', '%h']).toString()
    rmSync(join(work, '.git'), { recursive: true })
    writeFileSync(join(work, 'stray'), 'x')
    const seen = await sees('cat whole; ls', setup, sha)
    expect(seen).toMatchObject({ isSetUp: false })
    expect(seen.output).not.toContain('stray')
    // The next one begins with a whole one.
    expect(await sees('cat whole', setup, sha)).toMatchObject({ isSetUp: true, output: 'whole\n' })
  })

  it('is the last few of a repository, and none that was not used for long', async () => {
    const sha = git('rev-parse', 'HEAD')
    for (const nth of [1, 2, 3, 4, 5, 6, 7, 8]) await sees('true', `echo ${nth} > nth`, sha)
    expect((await sees('true', 'echo 8 > nth', sha)).isSetUp).toBe(true)
    expect((await sees('true', 'echo 1 > nth', sha)).isSetUp).toBe(false)
    const folder = join(kept, '1')
    expect(readdirSync(folder).length).toBeLessThanOrEqual(6)
    for (const name of readdirSync(folder)) utimesSync(join(folder, name), 0, 0)
    // Those of repositories that nobody works on any more, too.
    mkdirSync(join(kept, '99', 'old'), { recursive: true })
    utimesSync(join(kept, '99', 'old'), 0, 0)
    await sees('true', 'echo 9 > nth', sha)
    expect(readdirSync(folder)).toHaveLength(1)
    expect(readdirSync(join(kept, '99'))).toEqual([])
  })

  it('holds what was built, too, of a language that is compiled: and of everything else the tree as it is in the commit', async () => {
    const sha = commit({ 'go.mod': 'module x\n', '.gitignore': 'made/\n*.db\n', 'src/a': 'three\n' })
    await hosted.resolve(repository, 'main')
    // What a suite leaves behind: what it built, and what it wrote beside.
    const suite =
      'mkdir -p ~/.cache && echo built > ~/.cache/x; echo rows > test.db; echo stray > stray; echo changed > src/a'
    const none = undefined as string | undefined
    const own = { ...context(''), task: { ...context('').task } }
    const settings = { ...own.task.settings, checks: { ...own.task.settings.checks, setup: none } }
    const before: CloneContext = { ...own, task: { ...own.task, settings } }
    await withCheckout(before, sha, async (checkout, _, keepBuilt) => {
      await checkout.exec(suite)
      await keepBuilt()
    })
    const look = (at: string) =>
      withCheckout(
        before,
        at,
        async (checkout) => (await checkout.exec('cat ~/.cache/x src/a; ls; git status --porcelain')).output,
      )
    expect(await look(sha)).toBe('built\nthree\ngo.mod\npackage.json\nrun\nsrc\n')
    const later = commit({ 'src/a': 'four\n' })
    await hosted.resolve(repository, 'main')
    expect(await look(later)).toBe('built\nfour\ngo.mod\npackage.json\nrun\nsrc\n')
    const renamed = commit({ 'go.mod': 'module y\n' })
    await hosted.resolve(repository, 'main')
    expect(await look(renamed)).not.toContain('built')
  })
})
