import { mkdir } from 'node:fs/promises'
import { UserError } from '../core/errors.ts'
import { removeTree } from './spawn.ts'
import type { Checkout, Sandbox } from './types.ts'

const DIFF_LIMIT = 5_000_000

// Made inside the sandbox: the tree may hold anything by now, its .git too, so the comparison uses the pristine copy and
// an index and object store of its own.
const DIFF_SCRIPT = `set -e
export GIT_DIR="$MUSTER_BASE" GIT_WORK_TREE="$PWD" GIT_INDEX_FILE="$(mktemp -d)/index" GIT_CONFIG_GLOBAL=/dev/null
export GIT_ALTERNATE_OBJECT_DIRECTORIES="$MUSTER_BASE/objects" GIT_OBJECT_DIRECTORY="$(mktemp -d)"
git read-tree "$1"
# A repository inside the tree is just files: what is in its .git does not count.
find . -mindepth 2 -name .git -prune -exec rm -rf {} +
git -c core.fileMode=true -c core.hooksPath=/dev/null -c core.fsmonitor=false -c advice.addEmbeddedRepo=false -c core.excludesFile=/dev/null add -A . 2>/dev/null
if [ "$2" = names ]; then git diff --cached --name-only -z --no-renames "$1"
else git diff --cached --binary --no-renames --no-ext-diff --no-textconv --no-color "$1" | base64 -w 0; fi`

export interface CheckoutInput {
  readonly dir: string
  readonly base: string
  readonly sha: string
  readonly sandbox: Sandbox
  readonly signal: AbortSignal
}

/** A fresh clone of `base` at `sha` in `dir`, made and used inside the sandbox only. */
export async function makeCheckout({ dir, base, sha, sandbox, signal }: CheckoutInput): Promise<Checkout> {
  // Beside the clone: it lasts as long as that, and nothing of it gets into the change.
  const home = `${dir}.home`
  for (const one of [dir, home]) await mkdir(one, { recursive: true })
  const dispose = async () => {
    for (const one of [dir, home]) await removeTree(one)
  }
  const inside: Checkout['run'] = (argv, options = {}) =>
    sandbox.run({ dir, home, base, argv, timeoutMs: 60_000, signal, ...options })
  const script =
    'git clone --quiet --shared --no-checkout "$MUSTER_BASE" . && git -c advice.detachedHead=false checkout --quiet "$1"'
  try {
    const cloned = await inside(['/bin/sh', '-c', script, 'sh', sha], { timeoutMs: 300_000 })
    if (cloned.exitCode !== 0)
      throw new UserError('clone_failed', 'The clone for the workspace failed.', { cause: new Error(cloned.output) })
  } catch (error) {
    await dispose()
    throw error
  }
  const diffOf = async (what: 'names' | 'patch', against: string) => {
    const result = await inside(['/bin/sh', '-c', DIFF_SCRIPT, 'sh', against, what], {
      timeoutMs: 120_000,
      maxOutput: DIFF_LIMIT * 2,
    })
    if (result.exitCode !== 0)
      throw new UserError('diff_failed', 'The change could not be read from the workspace.', {
        cause: new Error(result.output.slice(-2000)),
      })
    if (result.output.length > DIFF_LIMIT)
      throw new UserError('patch_too_large', `The change is larger than ${DIFF_LIMIT / 1e6} MB.`)
    return result.output
  }
  return {
    dir,
    sha,
    run: inside,
    dispose,
    async diff(against = sha) {
      const files = (await diffOf('names', against)).split('\0').filter(Boolean)
      return {
        diff: files.length > 0 ? Buffer.from(await diffOf('patch', against), 'base64').toString('latin1') : '',
        files,
      }
    },
  }
}
