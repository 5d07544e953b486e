import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { hostGit } from '../../src/workspace/git.ts'
import { openSandbox } from '../../src/workspace/sandbox.ts'
import { call, never, repository, smallRepository } from '../support/clone.ts'
import { SANDBOX } from '../support/isolation.ts'

const { dir, git, sha, inClone, dispose } = await smallRepository()
afterAll(dispose)

describe('a clone in the sandbox', () => {
  it('gives its change as a patch, whatever was done to its .git', async () => {
    await inClone(async (checkout) => {
      await checkout.run([
        '/bin/sh',
        '-c',
        'echo four >> src/a.txt; printf "\\0\\1" > bin; rm -rf .git; mkdir .git; printf "[core]\\n\\tfsmonitor = touch /tmp/evil\\n" > .git/config',
      ])
      const { diff, files } = await checkout.diff()
      expect(files).toEqual(['bin', 'src/a.txt'])
      expect(diff).toContain('+four')
      expect(diff).toContain('GIT binary patch')
      expect((await checkout.run(['ls', '/tmp/evil'])).exitCode).not.toBe(0)
    })
  })

  it('is made though a commit that it would be compared with is gone', async () => {
    const checkout = await git.checkout(repository, sha, never, { against: ['0'.repeat(40)] })
    expect((await checkout.run(['cat', 'src/a.txt'])).output).toBe('one\ntwo\nthree\n')
    await checkout.dispose()
  })

  it('sees a change of the same length that is made at once, one whose time was put back, and one that was taken back', async () => {
    await inClone(async (checkout) => {
      const swap = 'tr a-z b-za < "$1" > /tmp/swapped; cat /tmp/swapped > "$1"'
      await checkout.run(['/bin/sh', '-c', swap, 'sh', 'src/a.txt'])
      await checkout.run([
        '/bin/sh',
        '-c',
        `cp -p "$1" /tmp/as-it-was; ${swap}; touch -r /tmp/as-it-was "$1"`,
        'sh',
        'src/b.txt',
      ])
      expect((await checkout.diff()).files).toEqual(['src/a.txt', 'src/b.txt'])
      await checkout.run(['git', 'checkout', '--', 'src/a.txt'])
      expect((await checkout.diff()).files).toEqual(['src/b.txt'])
    })
  })

  it('tells of files that are tracked though they are ignored, also where another commit was switched to', async () => {
    const copy = join(dir, 'ignored')
    const run = (...args: string[]) =>
      execFileSync('git', ['-C', copy, '-c', 'user.name=x', '-c', 'user.email=x@x', ...args])
    execFileSync('git', ['clone', '--quiet', join(dir, 'repos', '1.git'), copy])
    mkdirSync(join(copy, 'dist'))
    writeFileSync(join(copy, 'dist/x.js'), 'one\n')
    writeFileSync(join(copy, '.gitignore'), 'dist/\n')
    run('add', '--force', '--all')
    run('commit', '--quiet', '-m', 'ignored')
    run('push', '--quiet', 'origin', 'HEAD:refs/heads/ignored')
    const later = run('rev-parse', 'HEAD').toString().trim()
    await inClone(async (checkout) => {
      await checkout.run(['git', 'checkout', '--quiet', '--force', later])
      await checkout.disregard(later)
      await checkout.run(['/bin/sh', '-c', 'echo two > dist/x.js'])
      expect((await checkout.diff(later)).files).toEqual(['dist/x.js'])
    })
    run('push', '--quiet', 'origin', '--delete', 'ignored')
  })

  it('a clone that is ended while it is made lets go of what others wait for', async () => {
    const stop = new AbortController()
    const ending = openSandbox(SANDBOX)
    const host = hostGit(
      dir,
      { remote: async () => ({ url: '', authorization: '' }), askedToWait: async () => undefined },
      {
        ...ending,
        run: async (command) => {
          if (command.argv.join(' ').includes('MUSTER_INDEX')) stop.abort(new Error('stopped'))
          command.signal?.throwIfAborted()
          return ending.run(command)
        },
      },
    )
    await expect(host.checkout(repository, sha, stop.signal, { snapshot: 'index' })).rejects.toThrow('stopped')
    const next = await hostGit(
      dir,
      { remote: async () => ({ url: '', authorization: '' }), askedToWait: async () => undefined },
      ending,
    ).checkout(repository, sha, never, { snapshot: 'index' })
    await next.settle(false)
    await next.dispose()
  })

  it('leaves out what was there before anybody changed anything, for as long as it stays like that', async () => {
    await inClone(async (checkout) => {
      await checkout.run([
        '/bin/sh',
        '-c',
        'echo lock > lock.txt; echo left > left.txt; echo generated >> src/a.txt; printf x > "?"; printf x > "with\ttab"',
      ])
      await checkout.disregard()
      expect(await checkout.diff()).toEqual({ diff: '', files: [] })
      await checkout.run(['/bin/sh', '-c', 'echo mine > mine.txt; echo more >> left.txt; echo four >> src/b.txt'])
      const { diff, files } = await checkout.diff()
      expect(files).toEqual(['left.txt', 'mine.txt', 'src/b.txt'])
      for (const word of ['generated', 'lock.txt', 'tab']) expect(diff).not.toContain(word)
      for (const word of ['+mine', '+more', '+four']) expect(diff).toContain(word)
    })
  })

  it('puts what a set-up changed back to what it was in the commit that was cloned, not to what it was before that', async () => {
    // An earlier attempt's commit, whose file a set-up then touches.
    const copy = join(dir, 'wip')
    const run = (...args: string[]) =>
      execFileSync('git', ['-C', copy, '-c', 'user.name=x', '-c', 'user.email=x@x', ...args])
    execFileSync('git', ['clone', '--quiet', join(dir, 'repos', '1.git'), copy])
    writeFileSync(join(copy, 'src/a.txt'), 'one\ntwo\nthree\nearlier\n')
    run('commit', '--quiet', '-am', 'wip')
    run('push', '--quiet', 'origin', 'HEAD:refs/heads/wip')
    const wip = run('rev-parse', 'HEAD').toString().trim()
    const checkout = await git.checkout(repository, wip, never)
    try {
      await checkout.run(['/bin/sh', '-c', 'echo formatted >> src/a.txt'])
      await checkout.disregard(wip)
      const { diff, files } = await checkout.diff(sha)
      expect(files).toEqual(['src/a.txt'])
      expect(diff).toContain('+earlier')
      expect(diff).not.toContain('formatted')
    } finally {
      await checkout.dispose()
    }
  })

  it('keeps the bytes of files that are not UTF-8', async () => {
    await inClone(async (checkout) => {
      await checkout.run(['/bin/sh', '-c', 'printf "caf\\351\\nnew\\n" > latin.txt'])
      const { diff } = await checkout.diff()
      expect(Buffer.from(diff, 'latin1').includes(Buffer.from([0x63, 0x61, 0x66, 0xe9]))).toBe(true)
    })
  })

  it('24, 25: nothing the tree says about git is done on the host', async () => {
    await inClone(async (checkout) => {
      const evil = join(dir, 'host-was-here')
      await checkout.run([
        '/bin/sh',
        '-c',
        `git config core.fsmonitor "touch ${evil}"; git config core.hooksPath hooks; git config filter.evil.clean "touch ${evil}; cat"; git config core.sshCommand "touch ${evil}"; mkdir -p hooks sub; printf '#!/bin/sh\\ntouch ${evil}\\n' > hooks/pre-commit; chmod +x hooks/pre-commit; git init -q sub; git -C sub config core.fsmonitor "touch ${evil}"; echo x > sub/f; echo more >> src/a.txt`,
      ])
      const { files } = await checkout.diff()
      expect(files).toContain('src/a.txt')
      expect(existsSync(evil)).toBe(false)
    })
  })

  it('28, 29: the file tools follow no link, leave the repository nowhere, and touch no .git', async () => {
    await inClone(async (checkout) => {
      await checkout.run(['/bin/sh', '-c', 'ln -s /proc/self/environ env; ln -s /etc link; ln -s /tmp/new dangling'])
      for (const [name, input] of [
        ['read', { path: 'env' }],
        ['read', { path: 'link/passwd' }],
        ['read', { path: '../../etc/passwd' }],
        ['read', { path: '/etc/passwd' }],
        ['read', { path: '.git/config' }],
        ['write', { path: 'dangling', content: 'x' }],
        ['write', { path: '.git/hooks/pre-commit', content: 'x' }],
        ['write', { path: '../x', content: 'x' }],
        ['edit', { path: 'env', old: 'a', new: 'b' }],
        ['search', { pattern: 'x', path: '../' }],
        ['search', { pattern: 'x', path: '/etc' }],
      ] as const) {
        expect([name, input, (await call(checkout, name, input))?.isError]).toEqual([name, input, true])
      }
    })
  })

  it('18, 43: refuses protected files where they are written, however the path is spelt', async () => {
    await inClone(async (checkout) => {
      for (const path of ['.github/workflows/ci.yml', './.github/x'])
        expect(await call(checkout, 'write', { path, content: 'x' })).toMatchObject({
          isError: true,
          text: 'protected',
        })
    })
  })

  it('reads, searches, edits, writes and runs', async () => {
    await inClone(async (checkout) => {
      expect((await call(checkout, 'read', { path: 'src/a.txt', from: 2, lines: 1 }))?.text).toBe(
        'src/a.txt, lines 2 to 2 of 3\n2\ttwo\n(1 more lines: read from 3)',
      )
      expect((await call(checkout, 'search', { pattern: 't(wo|hree)' }))?.text).toBe(
        'src/a.txt:2:two\nsrc/a.txt:3:three',
      )
      expect((await call(checkout, 'edit', { path: 'src/a.txt', old: 'two', new: '$& zwei' }))?.text).toContain(
        '2\t$& zwei',
      )
      expect((await call(checkout, 'edit', { path: 'src/a.txt', old: 'absent', new: 'x' }))?.text).toContain(
        'does not stand in src/a.txt',
      )
      expect((await call(checkout, 'write', { path: 'new/b.txt', content: 'x\ny\n' }))?.text).toBe(
        'wrote new/b.txt, 2 lines',
      )
      expect((await call(checkout, 'list', { path: 'new' }))?.text).toBe('1 files\nnew/b.txt')
      expect(await call(checkout, 'run', { command: 'cat new/b.txt; exit 3' })).toEqual({
        text: 'exit code 3\nx\ny\n',
        isError: false,
      })
      expect((await call(checkout, 'read', { wrong: 1 }))?.text).toContain('wrong input')
    })
  })
})

it('what programs leave behind is no part of a change, unless it is the repository’s own', async () => {
  await inClone(async (checkout) => {
    const left = [
      'lib/__pycache__/a.cpython-311.pyc',
      'node_modules/x/index.js',
      '.pytest_cache/v',
      'own.pyc',
      'pkg.egg-info/PKG',
      'target/out',
    ]
    const script = `${left.map((path) => `mkdir -p "$(dirname ${path})" && echo x > ${path}`).join(' && ')} && echo more > kept.txt`
    await checkout.run(['/bin/sh', '-c', script])
    expect((await checkout.diff()).files).toEqual(['kept.txt', 'target/out'])
    await checkout.run(['/bin/sh', '-c', 'touch Cargo.toml'])
    expect((await checkout.diff()).files).toEqual(['Cargo.toml', 'kept.txt'])
  })
})

describe('git on the host', () => {
  it('26, 27: refuses refs that are options or transports', async () => {
    for (const ref of ['--upload-pack=touch x', 'ext::sh -c x', 'EXT::sh', '-x', 'a b', '$(x)'])
      await expect(git.resolve(repository, ref)).rejects.toThrow()
  })

  it('says that the Git server is not there when nothing can be fetched', async () => {
    await expect(git.resolve({ ...repository, id: 2 }, 'main')).rejects.toMatchObject({
      name: 'Unavailable',
      message: 'The Git server does not serve acme/x now',
    })
  })

  it('makes the same commit from the same patch, and unpacks exactly a commit', async () => {
    const to = join(dir, 'unpacked')
    await git.archive(repository, sha, to)
    expect(readFileSync(join(to, 'src/a.txt'), 'utf8')).toBe('one\ntwo\nthree\n')
    expect(existsSync(join(to, '.git'))).toBe(false)
    expect(await git.show(repository, sha, 'src/a.txt')).toContain('two')
    expect(await git.show(repository, sha, 'nothing')).toBeUndefined()
    expect(await git.isAncestor(repository, sha, sha)).toBe(true)
    expect(await git.log(repository, undefined, sha, 5)).toEqual([
      { sha, title: 'first', author: 'alice', at: expect.any(Number) },
    ])
  })
})

describe('a commit that was taken back', () => {
  it('is mended by one that reverts it, or says that it fixes it; not by one that speaks of it', async () => {
    const copy = join(dir, 'mended')
    execFileSync('git', ['clone', '--quiet', join(dir, 'repos', '1.git'), copy])
    const run = (...args: string[]) =>
      execFileSync('git', ['-C', copy, '-c', 'user.name=Bob', '-c', 'user.email=x@x', ...args])
        .toString()
        .trim()
    const commit = (message: string) => {
      run('commit', '--quiet', '--allow-empty', '-m', message)
      return run('rev-parse', 'HEAD')
    }
    const bad = commit('Answer faster')
    const other = commit(`See ${bad}, which this does not fix`)
    const fixed = commit(`Answer right\n\nFixes: ${bad.slice(0, 9)} ("Answer faster")`)
    const reverted = commit(`Revert "Answer faster"\n\nThis reverts commit ${bad}.`)
    run('push', '--quiet', 'origin', 'HEAD:refs/heads/mended')
    expect(await git.mends(repository, bad, other)).toBe(false)
    expect(await git.mends(repository, bad, fixed)).toBe(true)
    expect(await git.mends(repository, fixed, reverted)).toBe(false)
    expect(await git.mends(repository, '--all', reverted)).toBe(false)
    expect(await git.treeOf(repository, bad)).toBe(await git.treeOf(repository, reverted))
    run('push', '--quiet', 'origin', '--delete', 'mended')
  })
})

describe('branches that are not merged', () => {
  it('are listed with what they change and say, without those that are merged or old', async () => {
    const copy = join(dir, 'branches')
    const run = (...args: string[]) =>
      execFileSync('git', ['-C', copy, '-c', 'user.name=Bob', '-c', 'user.email=x@x', ...args], {
        env: {
          ...process.env,
          GIT_COMMITTER_DATE: args.includes('old') ? '2020-01-01T00:00:00Z' : new Date().toISOString(),
        },
      })
    execFileSync('git', ['clone', '--quiet', join(dir, 'repos', '1.git'), copy])
    const work = (name: string, ...files: string[]) => {
      run('checkout', '--quiet', '-b', name, 'origin/main')
      for (const file of files) writeFileSync(join(copy, file), name)
      run('add', '-A')
      if (files.length > 0) run('commit', '--quiet', '-m', name)
      run('push', '--quiet', 'origin', `HEAD:refs/heads/${name}`)
    }
    work('fix/7', 'src/a.txt', 'with space')
    work('old', 'src/a.txt')
    work('merged')
    const found = (await git.openBranches(repository, sha)).filter(({ name }) => name !== 'wip')
    expect(found).toMatchObject([
      { name: 'fix/7', author: 'Bob', files: ['src/a.txt', 'with space'], subjects: ['fix/7'] },
    ])
  })
})

describe('patches that were made side by side', () => {
  const changed = (script: string) =>
    inClone(async (checkout) => {
      await checkout.run(['/bin/sh', '-c', script])
      return (await checkout.diff()).diff
    })

  it('become one, bytes and all, without a working tree', async () => {
    const diffs = [await changed('sed -i s/one/ONE/ src/a.txt'), await changed('printf "\\377\\0" > bin'), '']
    const joined = await git.joined(repository, sha, diffs)
    expect(joined).toMatchObject({ left: [], files: ['bin', 'src/a.txt'] })
    const there = await git.checkout(repository, joined.sha, never)
    const files = (diff: string) => diff.split('diff --git ').toSorted()
    expect(files((await there.diff(sha)).diff)).toEqual(files(joined.diff))
    await there.dispose()
  })

  it('leave out what does not fit, and say which: the others are there to go on from', async () => {
    const diffs = [
      await changed('sed -i s/two/TWO/ src/a.txt'),
      await changed('sed -i s/two/2/ src/a.txt'),
      await changed('echo new > new'),
    ]
    const joined = await git.joined(repository, sha, diffs)
    expect(joined).toMatchObject({ left: [1], files: ['new', 'src/a.txt'] })
    expect(await git.show(repository, joined.sha, 'src/a.txt')).toBe('one\nTWO\nthree\n')
  })
})
