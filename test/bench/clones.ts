import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toolsFor } from '../../src/tools/tools.ts'
import { openSandbox } from '../../src/workspace/sandbox.ts'
import { asRepository, localGit } from '../../src/workspace/local.ts'
import { percentile } from '../faults/support/suite.ts'

/** What a clone of a large repository takes, and what a step's own work in it does, in ms. */
export interface Clones {
  readonly files: number
  readonly historyMb: number
  /** With the fetch, then without, then from what a set-up left. */
  readonly firstMs: number
  readonly secondMs: number
  readonly snapshotMs: number
  readonly keepMs: number
  /** One command that does nothing, one file read by the tool of that name, and a change of one line read out. */
  readonly commandMs: number
  readonly readMs: number
  readonly diffMs: number
}

const FILE_BYTES = 10_000
const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const begun = performance.now()
  await work()
  return Math.round(performance.now() - begun)
}
const often = async (times: number, work: () => Promise<unknown>): Promise<number> => {
  const all: number[] = []
  for (let nth = 0; nth < times; nth++) all.push(await timed(work))
  return percentile(all, 0.5)
}

/** @param files how many there are @param historyMb what lies in commits before, and in no file now */
export async function measureClones(files: number, historyMb: number): Promise<Clones> {
  const dir = mkdtempSync(join(tmpdir(), 'muster-clones-'))
  try {
    const source = largeRepository(dir, files, historyMb)
    const git = localGit(source, join(dir, 'host'), openSandbox(undefined))
    const repository = asRepository('large', 'main')
    const { signal } = new AbortController()
    let sha = ''
    const cloned = async (snapshot?: string) => git.checkout(repository, sha, signal, { snapshot })
    const firstMs = await timed(async () => {
      sha = await git.resolve(repository, 'main')
      await (await cloned()).dispose()
    })
    const secondMs = await often(3, async () => (await cloned()).dispose())
    const kept = await cloned('key')
    const keepMs = await timed(() => kept.settle(true))
    await kept.dispose()
    const snapshotMs = await often(3, async () => (await cloned('key')).dispose())
    const checkout = await cloned('key')
    const read = toolsFor(['read'], 'sd').find(({ name }) => name === 'read')
    const context = { checkout, timeoutMs: 60_000, mayWrite: () => ({ ok: true, detail: '' }) }
    const commandMs = await often(20, () => checkout.exec('true'))
    const readMs = await often(20, async () => read?.call({ path: 'folder-1/file-1.txt' }, context))
    await checkout.exec('echo more >> folder-1/file-1.txt')
    const diffMs = await often(3, () => checkout.diff())
    await checkout.dispose()
    return { files, historyMb, firstMs, secondMs, snapshotMs, keepMs, commandMs, readMs, diffMs }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function largeRepository(dir: string, files: number, historyMb: number): string {
  const source = join(dir, 'source')
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', source, '-c', 'user.name=x', '-c', 'user.email=x@x', ...args], { stdio: 'ignore' })
  execFileSync('git', ['init', '--quiet', '--initial-branch=main', source])
  for (let nth = 0; nth < historyMb / 10; nth++) {
    writeFileSync(join(source, 'large.bin'), randomBytes(10_000_000))
    git('add', '-A')
    git('commit', '--quiet', '-m', `${nth}`)
  }
  rmSync(join(source, 'large.bin'), { force: true })
  for (let nth = 0; nth < files; nth++) {
    const folder = join(source, `folder-${nth % 200}`)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `file-${nth}.txt`), randomBytes(FILE_BYTES / 2).toString('hex'))
  }
  git('add', '-A')
  git('commit', '--quiet', '-m', 'files')
  return source
}
