import { mkdir } from 'node:fs/promises'
import { UserError } from '../core/errors.ts'
import { removeTree } from './spawn.ts'
import type { Checkout, Mount, Sandbox } from './types.ts'

const DIFF_LIMIT = 5_000_000
/** A list of files may be longer than a change: what a set-up leaves is listed too. */
const LIST_LIMIT = 40_000_000

/** What programs leave behind, which nobody means to commit; what is tracked is not ignored by it. */
const DEBRIS = [
  '__pycache__/',
  '*.py[cod]',
  '*.egg-info/',
  '.pytest_cache/',
  '.mypy_cache/',
  '.ruff_cache/',
  '.hypothesis/',
  '.tox/',
  '.nox/',
  'node_modules/',
  '.gradle/',
  '.DS_Store',
]

// Made inside the sandbox: the tree may hold anything by now, its .git too, so the comparison uses the pristine copy and
// an index and object store of its own.
const DIFF_SCRIPT = `set -e
export GIT_DIR="$MUSTER_BASE" GIT_WORK_TREE="$PWD" GIT_INDEX_FILE="$(mktemp -d)/index" GIT_CONFIG_GLOBAL=/dev/null
export GIT_ALTERNATE_OBJECT_DIRECTORIES="$MUSTER_BASE/objects" GIT_OBJECT_DIRECTORY="$(mktemp -d)"
git read-tree "$1"
debris="$(mktemp)"
printf '%s\\n' ${DEBRIS.map((one) => `'${one}'`).join(' ')} > "$debris"
# Where these build, they build into that folder.
if [ -f Cargo.toml ] || [ -f pom.xml ]; then printf '/target/\\n' >> "$debris"; fi
# A repository inside the tree is just files: what is in its .git does not count.
find . -mindepth 2 -name .git -prune -exec rm -rf {} +
git -c core.fileMode=true -c core.hooksPath=/dev/null -c core.fsmonitor=false -c advice.addEmbeddedRepo=false -c core.excludesFile="$debris" add -A . 2>/dev/null
if [ "$2" = list ]; then git diff --cached --raw --no-abbrev -z --no-renames "$1"; exit; fi
git update-index -z --index-info
git diff --cached --binary --no-renames --no-ext-diff --no-textconv --no-color "$1" | base64 -w 0`

/** A file that differs from a commit: its mode and object there and here, as `git update-index --index-info` takes them. */
interface Entry {
  readonly before: string
  readonly after: string
  readonly path: string
}

/** What `git diff --raw -z` lists: `:mode mode object object status`, and the path. */
function entriesOf(raw: string): Entry[] {
  const parts = raw.split('\0').filter(Boolean)
  return parts.flatMap((head, index) => {
    const [, modeBefore, modeAfter, before, after] = /^:(\d+) (\d+) (\w+) (\w+) \w+$/.exec(head) ?? []
    const path = parts[index + 1]
    if (index % 2 === 1 || path === undefined) return []
    return [{ before: `${modeBefore} ${before}`, after: `${modeAfter} ${after}`, path }]
  })
}

/** The same name for a file as long as it has the same content. */
const asItIs = ({ after, path }: Entry) => `${after}\t${path}`

/** What a clone may begin with, and where it may be kept. */
export interface Beginning {
  /** A folder that an earlier clone was kept in. */
  readonly from: string | undefined
  /** What is there cannot be begun with. */
  readonly spoiled: () => Promise<void>
  /** Has a folder filled with the clone as it is. */
  readonly keep: (write: (dir: string) => Promise<boolean>) => Promise<unknown>
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
const COPY_MS = 600_000

const snapshotAt = (from: string, isWritable: boolean): Mount => ({
  from,
  to: '/snapshot',
  isWritable,
  variable: 'MUSTER_SNAPSHOT',
})

/** A fresh clone of `base` at `sha` in `dir`, made and used inside the sandbox only. */
export async function makeCheckout({ dir, base, sha, sandbox, signal, beginning }: CheckoutInput): Promise<Checkout> {
  // Beside the clone: it lasts as long as that, and nothing of it gets into the change.
  const home = `${dir}.home`
  const empty = async () => {
    for (const one of [dir, home]) await mkdir(one, { recursive: true })
  }
  const remove = async () => {
    for (const one of [dir, home]) await removeTree(one)
  }
  const dispose = async () => {
    beginning?.done()
    await remove()
  }
  const inside: Checkout['run'] = (argv, options = {}) =>
    sandbox.run({ dir, home, base, argv, timeoutMs: 60_000, signal, ...options })
  const copied = (script: string, from: string, isWritable: boolean) =>
    sandbox.run({
      dir,
      home,
      base,
      argv: ['/bin/sh', '-c', script, 'sh', sha],
      mounts: [snapshotAt(from, isWritable)],
      timeoutMs: COPY_MS,
      signal,
    })
  let isSetUp = false
  try {
    await empty()
    if (beginning?.from !== undefined) {
      isSetUp = (await copied(RESTORE, beginning.from, false)).exitCode === 0
      // Removed under our hands, or damaged: as if it had not been there.
      if (!isSetUp) await Promise.all([remove().then(empty), beginning.spoiled()])
    }
    if (!isSetUp) {
      const cloned = await inside(['/bin/sh', '-c', CLONE, 'sh', sha], { timeoutMs: 300_000 })
      if (cloned.exitCode !== 0)
        throw new UserError('clone_failed', 'The clone for the workspace failed.', { cause: new Error(cloned.output) })
    }
  } catch (error) {
    await dispose()
    throw error
  }
  const read = async (what: 'list' | 'patch', against: string, limit: number, stdin = '') => {
    const result = await inside(['/bin/sh', '-c', DIFF_SCRIPT, 'sh', against, what], {
      timeoutMs: 120_000,
      maxOutput: limit * 2,
      stdin,
    })
    if (result.exitCode !== 0)
      throw new UserError('diff_failed', 'The change could not be read from the workspace.', {
        cause: new Error(result.output.slice(-2000)),
      })
    if (result.output.length > limit)
      throw new UserError('patch_too_large', `The change is larger than ${limit / 1e6} MB.`)
    return result.output
  }
  const differing = async (against: string) => entriesOf(await read('list', against, LIST_LIMIT))
  /** What was there before anybody changed anything, with what stands for it in the commit. */
  let leftBehind: ReadonlyMap<string, string> = new Map()
  return {
    dir,
    sha,
    run: inside,
    dispose,
    isSetUp,
    async settle(isKept) {
      if (isKept) await beginning?.keep(async (to) => (await copied(KEEP, to, true)).exitCode === 0)
      beginning?.done()
    },
    async disregard(against = sha) {
      leftBehind = new Map((await differing(against)).map((entry) => [asItIs(entry), entry.before]))
    },
    async diff(against = sha) {
      const all = await differing(against)
      const restored = all.flatMap((entry) => {
        const before = leftBehind.get(asItIs(entry))
        return before === undefined ? [] : [{ ...entry, before, isGone: before === entry.before }]
      })
      const gone = new Set(restored.filter(({ isGone }) => isGone).map(({ path }) => path))
      const files = all.map(({ path }) => path).filter((path) => !gone.has(path))
      if (files.length === 0) return { diff: '', files }
      const asBefore = restored.map(({ before, path }) => `${before}\t${path}\0`)
      const patch = await read('patch', against, DIFF_LIMIT, asBefore.join(''))
      return { diff: Buffer.from(patch, 'base64').toString('latin1'), files }
    },
  }
}
