import { UserError } from '../core/errors.ts'
import type { Checkout } from './types.ts'

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
against="$1"; what="$2"; shift 2
export GIT_DIR="$MUSTER_BASE" GIT_WORK_TREE="$PWD" GIT_INDEX_FILE="$(mktemp -d)/index" GIT_CONFIG_GLOBAL=/dev/null
export GIT_ALTERNATE_OBJECT_DIRECTORIES="$MUSTER_BASE/objects" GIT_OBJECT_DIRECTORY="$(mktemp -d)"
# What was cloned, with the times of its files: only what was touched since then has to be read. Nobody else sees that folder.
if ! { cp -p "$MUSTER_INDEX/index" "$GIT_INDEX_FILE" && git read-tree -m -i "$against"; } 2>/dev/null; then
  rm -f "$GIT_INDEX_FILE" "$GIT_INDEX_FILE.lock"; git read-tree "$against"
fi
debris="$(mktemp)"
printf '%s\\n' ${DEBRIS.map((one) => `'${one}'`).join(' ')} > "$debris"
# Where these build, they build into that folder.
if [ -f Cargo.toml ] || [ -f pom.xml ]; then printf '/target/\\n' >> "$debris"; fi
# A repository inside the tree is just files: what is in its .git does not count.
find . -mindepth 2 -name .git -prune -exec rm -rf {} +
# Copied files have other inodes and times of change.
if [ -n "$MUSTER_COPIED" ]; then stat='-c core.trustctime=false -c core.checkStat=minimal'; else stat=; fi
git $stat -c core.fileMode=true -c core.hooksPath=/dev/null -c core.fsmonitor=false -c advice.addEmbeddedRepo=false -c core.excludesFile="$debris" add -A . "$@" 2>/dev/null
if [ "$what" = list ]; then git diff --cached --raw --no-abbrev -z --no-renames "$against"; exit; fi
git update-index -z --index-info
git diff --cached --binary --no-renames --no-ext-diff --no-textconv --no-color "$against" | base64 -w 0`

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

/** Reads what a clone differs in, from inside it. @param sha the commit that was cloned @param others folders of other repositories, which stay as the commit has them */
export function differences(
  run: Checkout['run'],
  sha: string,
  others: readonly string[],
): Pick<Checkout, 'diff' | 'disregard'> {
  const read = async (what: 'list' | 'patch', against: string, limit: number, stdin = '') => {
    const besides = others.map((path) => `:(exclude,literal)${path}`)
    const argv = ['/bin/sh', '-c', DIFF_SCRIPT, 'sh', against, what, ...besides]
    const { exitCode, output } = await run(argv, { timeoutMs: 120_000, maxOutput: limit * 2, stdin })
    if (exitCode !== 0)
      throw new UserError('diff_failed', 'The change could not be read from the workspace.', {
        cause: new Error(output.slice(-2000)),
      })
    if (output.length > limit) throw new UserError('patch_too_large', `The change is larger than ${limit / 1e6} MB.`)
    return output
  }
  const differing = async (against: string) => entriesOf(await read('list', against, LIST_LIMIT))
  /** What was there before anybody changed anything, with what stands for it in the commit. */
  let leftBehind: ReadonlyMap<string, string> = new Map()
  return {
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
