import { SETTINGS_PATH } from '../core/survey.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { defaultRepositorySettings, parseRepositorySettings } from '../config/repository.ts'
import { readSettings } from '../config/env.ts'
import type { Env } from '../core/environment.ts'
import type { Finding } from '../core/finding.ts'
import type { RepositorySettings } from '../core/settings.ts'
import type { Repository } from '../core/task/types.ts'
import { sandboxFinding } from '../roles/found.ts'
import { Look, type Looked } from '../roles/look.ts'
import type { CloneContext } from '../roles/types.ts'
import { chooseSandbox } from '../workspace/choose.ts'
import { asRepository, copyRepository, localGit, type LocalRepository, localRepository } from '../workspace/local.ts'
import type { Git } from '../workspace/types.ts'
import { machineOf } from './machine.ts'
import { sandboxOf } from './sandbox.ts'

export interface CheckInput {
  readonly path: string
  /** Whether a set-up may use the network for this look. */
  readonly network: boolean
}

/** What was found, as JSON has it. */
export interface CheckReport extends Looked {
  readonly sha: string
  readonly findings: readonly Finding[]
}

type Tell = (finding: Finding) => void

/** Looks at a repository as Muster would find it, before the first dollar. @throws UserError where there is none */
export async function checkRepository(env: Env, { path, network }: CheckInput, tell: Tell): Promise<CheckReport> {
  const settings = readSettings(env)
  const findings: Finding[] = []
  const say: Tell = (finding) => {
    findings.push(finding)
    tell(finding)
  }
  const repository = await localRepository(path)
  say(about(repository))
  const kind = await chooseSandbox(settings.sandbox, settings.containers)
  say(sandboxFinding(kind))
  const dir = await mkdtemp(join(tmpdir(), 'muster-check-'))
  try {
    const bare = join(dir, 'copy.git')
    await copyRepository(repository, bare)
    const git = localGit(bare, dir, sandboxOf(settings, env))
    const machine = machineOf({ ...settings, setupNetwork: network || settings.setupNetwork }, env)
    const ofGithub = asRepository(basename(repository.path), repository.branch)
    const own = await settingsIn(git, ofGithub, repository.sha, say)
    if (!own) return { sha: repository.sha, findings, isReady: false, proposal: undefined }
    const { signal } = new AbortController()
    const during: CloneContext['during'] = (_, work) => work()
    const look = new Look({
      git,
      machine,
      signal,
      during,
      repository: ofGithub,
      sha: repository.sha,
      settings: own,
      say,
    })
    return { sha: repository.sha, findings, ...(await look.all()) }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

function about({ path, sha, branch, uncommitted }: LocalRepository): Finding {
  const what = `${basename(path)}, ${branch} at ${sha.slice(0, 7)}`
  return uncommitted === 0
    ? { name: 'repository', state: 'ok', detail: what }
    : {
        name: 'repository',
        state: 'warning',
        detail: `${what}; ${uncommitted} ${uncommitted === 1 ? 'file is' : 'files are'} changed and not committed`,
        fix: 'Only what is committed is looked at.',
      }
}

/** The repository's own settings, or what holds without any; undefined where they cannot be read. */
async function settingsIn(
  git: Git,
  repository: Repository,
  sha: string,
  say: Tell,
): Promise<RepositorySettings | undefined> {
  await git.resolve(repository, repository.defaultBranch)
  const text = await git.show(repository, sha, SETTINGS_PATH)
  if (text === undefined) {
    say({ name: 'settings', state: 'ok', detail: 'there is no .github/muster.yml; the defaults hold' })
    return defaultRepositorySettings()
  }
  const parsed = parseRepositorySettings(text)
  if (parsed.ok) {
    say({ name: 'settings', state: 'ok', detail: '.github/muster.yml is valid' })
    return parsed.settings
  }
  for (const { line, key, expected } of parsed.problems)
    say({
      name: 'settings',
      state: 'problem',
      detail: `.github/muster.yml, line ${line}: ${key}`,
      fix: `Expected: ${expected}.`,
    })
  return undefined
}
