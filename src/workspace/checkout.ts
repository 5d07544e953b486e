import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { UserError } from '../core/errors.ts'
import { Assistant } from './assistant.ts'
import { differences } from './diff.ts'
import { type Extras, mountsOf } from './extras.ts'
import { equipped } from './outfit.ts'
import { removeTree } from './spawn.ts'
import { type Checkout, type Mount, NO_OUTFIT, type Outfit, type Sandbox, type SandboxCommand } from './types.ts'

/** What a clone may begin with, and where it may be kept. */
export interface Beginning {
  /** A folder that an earlier clone was kept in. */
  readonly from: string | undefined
  /** What is there cannot be begun with. */
  readonly spoiled: () => Promise<void>
  /** Has a folder filled with the clone as it is. */
  readonly keep: (write: (dir: string) => Promise<boolean>, what: 'setup' | 'built') => Promise<unknown>
  /** To be called once it is kept, or will not be. */
  readonly done: () => void
}

export interface CheckoutInput {
  readonly dir: string
  readonly base: string
  readonly sha: string
  readonly sandbox: Sandbox
  readonly signal: AbortSignal
  readonly beginning?: Beginning | undefined
  readonly outfit?: Outfit | undefined
  /** What a commit wants that is not in the repository's own objects. @throws Unavailable */
  readonly extras?: ((sha: string) => Promise<Extras | undefined>) | undefined
}

const CLONE =
  'git clone --quiet --shared --no-checkout "$MUSTER_BASE" . && git -c advice.detachedHead=false checkout --quiet "$1"'
// Copied, a file has another inode and time of change, and the same time of its content: it need not be read to be the same. What
// the set-up changed stays as it is, unless another commit is wanted.
const RESTORE = `cp -a "$MUSTER_SNAPSHOT/work/." . && cp -a "$MUSTER_SNAPSHOT/home/." ~ && head=$(git rev-parse HEAD) &&
if [ "$head" = "$1" ]; then exit 0; fi
git -c core.trustctime=false -c core.checkStat=minimal -c core.hooksPath=/dev/null -c advice.detachedHead=false checkout --quiet --force --detach "$1"`
const KEEP =
  'mkdir "$MUSTER_SNAPSHOT/work" "$MUSTER_SNAPSHOT/home" && cp -a . "$MUSTER_SNAPSHOT/work" && cp -a ~/. "$MUSTER_SNAPSHOT/home"'
// Of the tree's own files what they are in the commit, of all others only what is in the folders.
const KEEP_BUILT = `mkdir "$MUSTER_SNAPSHOT/work" "$MUSTER_SNAPSHOT/home" && cp -a . "$MUSTER_SNAPSHOT/work" && cp -a ~/. "$MUSTER_SNAPSHOT/home" &&
shift && cd "$MUSTER_SNAPSHOT/work" && git -c core.hooksPath=/dev/null checkout --quiet --force HEAD -- . && git clean -ffdxq "$@"`
// Right after the clone, before anybody else could write there. What was written in the second in which the index was may have been
// changed afterwards (git's "racily clean"), and is read again each time: of many files that takes long, so that second is waited for.
const KEEP_INDEX = `cp -p .git/index "$MUSTER_INDEX/partial" && mv "$MUSTER_INDEX/partial" "$MUSTER_INDEX/index"
if [ "$(git ls-files | wc -l)" -gt 5000 ]; then
  while [ "$(date +%s)" -le "$(stat -c %Y "$MUSTER_INDEX/index")" ]; do sleep 0.05; done; touch "$MUSTER_INDEX/index"
fi`
const CHECKOUT = ['git', '-c', 'advice.detachedHead=false', 'checkout']
const CLONE_MS = 300_000
const COPY_MS = 600_000

const snapshotAt = (from: string, isWritable: boolean): Mount => ({
  from,
  to: '/snapshot',
  isWritable,
  variable: 'MUSTER_SNAPSHOT',
})

const indexAt = (from: string, isWritable: boolean): Mount => ({
  from,
  to: '/index',
  isWritable,
  variable: 'MUSTER_INDEX',
})

/** A clone of `base` at `sha` in `dir`, made and used inside the sandbox only: fresh, or as an earlier one was kept. */
export async function makeCheckout(input: CheckoutInput): Promise<Checkout> {
  const { dir, base, sha, sandbox, signal, beginning, outfit = NO_OUTFIT } = input
  // Beside the clone: it lasts as long as that, and nothing of it gets into the change.
  const home = `${dir}.home`
  const index = `${dir}.index`
  const inside: Inside = (command) => sandbox.run({ dir, home, base, timeoutMs: 60_000, signal, ...command })
  const run: Checkout['run'] = (argv, options) => inside({ ...options, argv })
  const copied: Ways['copied'] = (script, from, isWritable, args = []) =>
    inside({
      argv: ['/bin/sh', '-c', script, 'sh', sha, ...args],
      mounts: [snapshotAt(from, isWritable)],
      timeoutMs: COPY_MS,
    })
  const assistants = new Map<string, Assistant>()
  const dispose = async () => {
    for (const one of assistants.values()) await one.close()
    beginning?.done()
    for (const one of [dir, home, index]) await removeTree(one)
  }
  const begun = async () => {
    const isFilled = await begin(input, home, { run, copied })
    await mkdir(index, { recursive: true })
    // Without it all files are read for each difference, and nothing else changes.
    await inside({ argv: ['/bin/sh', '-c', KEEP_INDEX], mounts: [indexAt(index, true)] })
    return isFilled
  }
  const prepared = async () => {
    const isSetUp = await begun()
    const env = { MUSTER_COPIED: isSetUp ? '1' : '' }
    const runWithIndex: Checkout['run'] = (argv, options) =>
      inside({ ...options, argv, mounts: [indexAt(index, false)], env: { ...options?.env, ...env } })
    return { isSetUp, ...(await filled(input, inside, runWithIndex)) }
  }
  const { isSetUp, others, notes, diff, disregard, fillWith, fillFrom } = await prepared().catch(
    async (error: unknown) => {
      await dispose()
      throw error
    },
  )
  return {
    dir,
    sha,
    outfit: notes.length > 0 ? { ...outfit, notes: [...outfit.notes, ...notes] } : outfit,
    others,
    isSetUp,
    run,
    async ask(script, question, timeoutMs) {
      if (!(await sandbox.canTalk?.())) return undefined
      const argv = ['node', '--input-type=module', '-e', script]
      const there = assistants.get(script) ?? new Assistant((command) => inside({ ...command, argv }))
      assistants.set(script, there)
      return there.ask(question, timeoutMs)
    },
    exec: (command, options = {}) => inside({ ...options, ...equipped(outfit, command, options.env) }),
    async settle(isKept) {
      if (isKept) await beginning?.keep(async (to) => (await copied(KEEP, to, true)).exitCode === 0, 'setup')
      beginning?.done()
    },
    async keepBuilt(folders) {
      const but = folders.flatMap((folder) => ['-e', folder])
      await beginning?.keep(async (to) => (await copied(KEEP_BUILT, to, true, but)).exitCode === 0, 'built')
    },
    async switchTo(other) {
      const { exitCode, output } = await run([...CHECKOUT, '--quiet', '--force', other])
      if (exitCode !== 0) throw notCloned(output)
      await fillWith(other)
    },
    fillFrom,
    diff,
    disregard,
    dispose,
  }
}

interface Ways {
  readonly run: Checkout['run']
  /** Runs a script with the folder of a snapshot. */
  readonly copied: (
    script: string,
    from: string,
    isWritable: boolean,
    args?: readonly string[],
  ) => ReturnType<Checkout['run']>
}

/** Fills the folders of a clone. @returns whether with what a set-up left @throws UserError */
async function begin({ dir, sha, beginning }: CheckoutInput, home: string, { run, copied }: Ways): Promise<boolean> {
  const folders = [dir, home]
  for (const one of folders) await mkdir(one, { recursive: true })
  if (beginning?.from !== undefined) {
    if ((await copied(RESTORE, beginning.from, false)).exitCode === 0) return true
    // Removed under our hands, or damaged: as if it had not been there.
    await beginning.spoiled()
    for (const one of folders) await removeTree(one)
    for (const one of folders) await mkdir(one, { recursive: true })
  }
  const { exitCode, output } = await run(['/bin/sh', '-c', CLONE, 'sh', sha], { timeoutMs: CLONE_MS })
  if (exitCode === 0) return false
  throw notCloned(output)
}

function notCloned(output: string): UserError {
  return new UserError('clone_failed', 'The clone for the workspace failed.', { cause: new Error(output) })
}

const FILL = readFileSync(new URL('./fill.mjs', import.meta.url), 'utf8')

/** Puts in what the commit wants besides, and reads differences with that in mind. */
async function filled({ extras, sha }: CheckoutInput, inside: Inside, run: Checkout['run']) {
  const first = await extras?.(sha)
  const others = first?.trees.map(({ path }) => path) ?? []
  const { diff, disregard } = differences(run, sha, others)
  const put = async (found: Extras | undefined, at: string) => {
    if (!found) return
    await fill(found, inside)
    // What stands there instead of a pointer is nobody's change.
    if (found.files.length > 0) await disregard(at)
  }
  await put(first, sha)
  const fillWith = async (other: string) => put(await extras?.(other), other)
  const fillFrom = async (other: string, paths: readonly string[]) => {
    const found = await extras?.(other)
    const files = found?.files.filter(({ path }) => paths.includes(path)) ?? []
    if (found && files.length > 0) await fill({ ...found, files, trees: [] }, inside)
  }
  const told = first ? [...first.missing, ...first.notes] : []
  return { others, notes: told, diff, disregard, fillWith, fillFrom }
}

/** Runs something in the clone. */
type Inside = (command: Pick<SandboxCommand, 'argv'> & Partial<SandboxCommand>) => ReturnType<Sandbox['run']>

async function fill(extras: Extras, inside: Inside): Promise<void> {
  const { mounts, told } = mountsOf(extras)
  const argv = ['node', '--input-type=module', '-e', FILL]
  const { exitCode, output } = await inside({ argv, mounts, stdin: told, timeoutMs: COPY_MS })
  if (exitCode !== 0) throw notCloned(output)
}
