import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asRepository, localGit } from '../../src/workspace/local.ts'
import { openSandbox } from '../../src/workspace/sandbox.ts'
import { percentile } from '../faults/support/suite.ts'

/** What a map of a large repository takes, in ms: read for the first time, asked for the first time after that, and again. */
export interface Maps {
  readonly files: number
  readonly readMs: number
  readonly firstMs: number
  readonly warmMs: number
  /** How long somebody waits who asks while it is read, and is told that it is not there yet. */
  readonly coldMs: number
}

const PATIENCE_MS = 2000
const ANY = { names: ['total12'], words: ['parse', 'price'] }
const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const begun = performance.now()
  await work()
  return Math.round(performance.now() - begun)
}

/** @param files of TypeScript, 4 KB each */
export async function measureMaps(files: number): Promise<Maps> {
  const dir = mkdtempSync(join(tmpdir(), 'muster-maps-'))
  try {
    const source = join(dir, 'source')
    write(source, files)
    const git = localGit(source, join(dir, 'host'), openSandbox(undefined))
    const repository = asRepository('large', 'main')
    const sha = await git.resolve(repository, 'main')
    const ask = async (patienceMs: number) => git.symbols?.(repository, sha, ANY, patienceMs)
    const begun = performance.now()
    const coldMs = await timed(() => ask(PATIENCE_MS))
    while (!(await ask(600_000)));
    const readMs = Math.round(performance.now() - begun)
    const firstMs = await timed(() => ask(0))
    const warm: number[] = []
    for (let nth = 0; nth < 9; nth++) warm.push(await timed(() => ask(0)))
    return { files, readMs, firstMs, warmMs: percentile(warm, 0.5), coldMs }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function write(source: string, files: number): void {
  const names = Array.from({ length: files * 3 }, (_, nth) => `${['parse', 'total', 'find', 'save'][nth % 4]}${nth}`)
  const used = (nth: number) => names[(nth * 7919) % names.length] ?? ''
  for (let nth = 0; nth < files; nth++) {
    const folder = join(source, `package${nth % 100}`, `part${nth % 7}`)
    mkdirSync(folder, { recursive: true })
    const functions = names.slice(nth * 3, nth * 3 + 3).map((name, at) => {
      const lines = Array.from(
        { length: 20 },
        (_, line) => `  const v${line} = ${used(nth * 60 + at * 20 + line)}(a, ${line})`,
      )
      return `export function ${name}(a: number, b: number) {\n${lines.join('\n')}\n  return v0 + b\n}\n`
    })
    writeFileSync(join(folder, `file${nth}.ts`), functions.join('\n'))
  }
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', source, '-c', 'user.name=a', '-c', 'user.email=a@a', ...args])
  git('init', '--quiet', '--initial-branch=main')
  git('add', '-A')
  git('commit', '--quiet', '-m', 'x')
}
