import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { defaultRepositorySettings } from '../../src/config/repository.ts'
import type { Run } from '../../src/core/artefacts.ts'
import type { RepositorySettings } from '../../src/core/settings.ts'
import type { CloneContext } from '../../src/roles/types.ts'
import { evidence, withCheckout } from '../../src/roles/workspace.ts'
import { asRepository, localGit } from '../../src/workspace/local.ts'
import type { Checkout, Git, Machine, Sandbox } from '../../src/workspace/types.ts'
import { git, identity } from '../github/git.ts'
import { settingsAt } from '../own/settings.ts'
import type { EvalCase } from './cases.ts'

/** A bare copy to work and judge on. */
export interface Bench {
  readonly bare: string
  readonly baseSha: string
  readonly settings: RepositorySettings
  readonly git: Git
  /** Uses a clone at a commit, set up as the repository's settings at the base say. */
  clone<T>(sha: string, use: (checkout: Checkout) => Promise<T>): Promise<T>
}

/** @param dir where clones and copies are made @param machine what it has for the repository's commands */
export async function openBench(
  bare: string,
  baseSha: string,
  { dir, sandbox, machine }: { readonly dir: string; readonly sandbox: Sandbox; readonly machine: Machine },
): Promise<Bench> {
  const parsed = await settingsAt(bare, baseSha)
  // What cannot be read counts as none, as the journey itself says it.
  const settings = parsed.ok ? parsed.settings : defaultRepositorySettings()
  const over = localGit(bare, dir, sandbox)
  const task = { settings, baseline: undefined, baseSha, origin: { repository: asRepository('case', 'main') } }
  const context: CloneContext = {
    task,
    git: over,
    signal: new AbortController().signal,
    machine,
    during: (_, work) => work(),
  }
  const clone: Bench['clone'] = (sha, use) => withCheckout(context, sha, use)
  return { bare, baseSha, settings, git: over, clone }
}

/** Whether the hidden tests pass on a commit: they are put over it in the host's bare copy, then run in a fresh clone. */
export async function judge(bench: Bench, one: EvalCase, sha: string): Promise<Run> {
  const judged = await overlaid(bench.bare, sha, one.hidden)
  return bench.clone(judged, (checkout) => evidence(checkout, one.verify, one.timeoutSeconds))
}

/** A commit with the files of a folder over those of another. */
export async function overlaid(bare: string, sha: string, folder: string): Promise<string> {
  const file = join(bare, `overlay-${sha.slice(0, 12)}.index`)
  const index = { GIT_INDEX_FILE: file }
  try {
    await git(bare, ['read-tree', sha], index)
    await git(bare, ['add', '--force', '--ignore-removal', '.'], { ...index, GIT_WORK_TREE: folder })
    const tree = await git(bare, ['write-tree'], index)
    const commit = await git(bare, ['commit-tree', tree, '-p', sha, '-m', 'Hidden tests'], identity('eval'))
    // Fetched by branch.
    await git(bare, ['update-ref', `refs/heads/judged/${commit.slice(0, 12)}`, commit])
    return commit
  } finally {
    rmSync(file, { force: true })
  }
}
