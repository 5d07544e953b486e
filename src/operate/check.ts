import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Finding } from '../cli/doctor.ts'
import { defaultRepositorySettings, parseRepositorySettings } from '../config/repository.ts'
import { readSettings } from '../config/env.ts'
import type { Run } from '../core/artefacts.ts'
import { type Baseline, IS_USABLE } from '../core/baseline.ts'
import { type Checks, checksOf, isTestFile, withFiles } from '../core/checks.ts'
import { type Ecosystem, ecosystemOf } from '../core/ecosystems.ts'
import { proposedSettings } from '../core/proposal.ts'
import { duration } from '../core/reply/document.ts'
import type { RepositorySettings } from '../core/settings.ts'
import type { Env } from '../core/environment.ts'
import { testsAsTheyAre } from '../roles/baseline.ts'
import type { CloneContext } from '../roles/types.ts'
import { rootFiles } from '../roles/outfit.ts'
import { evidence, withCheckout } from '../roles/workspace.ts'
import { chooseSandbox } from '../workspace/choose.ts'
import { asRepository, copyRepository, localGit, type LocalRepository, localRepository } from '../workspace/local.ts'
import { missingPrograms } from '../workspace/programs.ts'
import type { Checkout, Git, Machine } from '../workspace/types.ts'
import {
  about,
  commandFinding,
  indented,
  missingFinding,
  outfitFindings,
  sandboxFinding,
  suiteFinding,
  wantsSetUp,
} from './found.ts'
import { machineOf } from './machine.ts'
import { sandboxOf } from './sandbox.ts'

export interface CheckInput {
  readonly path: string
  /** Whether a set-up may use the network for this look. */
  readonly network: boolean
}

/** What was found, as JSON has it. */
export interface CheckReport {
  readonly sha: string
  readonly findings: readonly Finding[]
  /** Whether a change could be proved here. */
  readonly isReady: boolean
  /** The `.github/muster.yml` that would do. */
  readonly proposal: string | undefined
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
    const look = new Look({ git, repository, machine, say })
    return { sha: repository.sha, findings, ...(await look.all()) }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

interface LookDeps {
  readonly git: Git
  readonly repository: LocalRepository
  readonly machine: Machine
  readonly say: Tell
}

/** The run of the tests, and what was measured on the way. */
interface Tried {
  readonly checks: Checks
  readonly setupNetwork: boolean
  readonly baseline: Baseline
  readonly setupSeconds: number | undefined
}

/** One look at one commit. */
class Look {
  readonly #deps: LookDeps
  readonly #git: Git
  readonly #ofGithub

  constructor(deps: LookDeps) {
    this.#deps = deps
    this.#git = deps.git
    this.#ofGithub = asRepository(basename(deps.repository.path), deps.repository.branch)
  }

  async all(): Promise<Pick<CheckReport, 'isReady' | 'proposal'>> {
    const { say } = this.#deps
    const settings = await this.#settings()
    if (!settings) return { isReady: false, proposal: undefined }
    const { ecosystem, checks, missing, outfit } = await this.#clone(settings, async (checkout) =>
      this.#found(checkout, settings),
    )
    say(commandFinding(checks, ecosystem))
    if (!checks.test) return { isReady: false, proposal: undefined }
    for (const finding of outfitFindings(outfit)) say(finding)
    if (missing.length > 0) say(missingFinding(missing))
    const tried = await this.#tests(settings, checks, ecosystem)
    const { baseline } = tried
    if (tried.setupSeconds !== undefined && baseline.found !== 'no_setup')
      say({ name: 'set-up', state: 'ok', detail: `${tried.checks.setup}: ${duration(tried.setupSeconds * 1000)}` })
    const isReady = IS_USABLE[baseline.found] && !wantsSetUp(baseline, tried.checks, ecosystem)
    say(suiteFinding(baseline, tried.checks, ecosystem, this.#deps.machine.setupNetwork))
    const perFile = isReady ? await this.#perFile(settings, tried) : undefined
    const proposal = proposedSettings({
      ...tried,
      settings: settings.checks,
      found: baseline.found,
      suite: baseline.run,
      perFile,
    })
    return { isReady, proposal: isReady ? proposal : undefined }
  }

  /** The repository's own settings, or what holds without any; undefined where they cannot be read. */
  async #settings(): Promise<RepositorySettings | undefined> {
    const { say, repository } = this.#deps
    await this.#git.resolve(this.#ofGithub, repository.branch)
    const text = await this.#git.show(this.#ofGithub, repository.sha, '.github/muster.yml')
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

  #context(settings: RepositorySettings, during: CloneContext['during'] = (_, work) => work()): CloneContext {
    const task = { settings, baseline: undefined, baseSha: undefined, origin: { repository: this.#ofGithub } }
    const signal = new AbortController().signal
    return { task, signal, git: this.#git, machine: this.#deps.machine, during }
  }

  #clone<T>(
    settings: RepositorySettings,
    use: (checkout: Checkout, checks: Checks) => Promise<T>,
    isReadOnly = true,
  ): Promise<T> {
    return withCheckout(this.#context(settings), this.#deps.repository.sha, use, { isReadOnly })
  }

  async #found(checkout: Checkout, settings: RepositorySettings) {
    const root = await rootFiles(this.#git, this.#ofGithub, this.#deps.repository.sha)
    const ecosystem = ecosystemOf(root)
    const checks = checksOf(settings.checks, root)
    const missing = await missingPrograms(ecosystem?.programs ?? [], (command) => checkout.exec(command))
    return { ecosystem, checks, missing, outfit: checkout.outfit }
  }

  /** The tests as they are; where they cannot be run so, with the set-up that the repository's files suggest. */
  async #tests(settings: RepositorySettings, checks: Checks, ecosystem: Ecosystem | undefined): Promise<Tried> {
    const { setupNetwork } = settings.checks
    const first = await this.#try(settings, { ...checks }, setupNetwork)
    const suggested = settings.checks.setup ? undefined : ecosystem?.setup
    if (first.baseline.found === 'green' || !suggested || !this.#deps.machine.setupNetwork) return first
    this.#deps.say({ name: 'set-up', state: 'ok', detail: `without one the tests do not pass; trying ${suggested}` })
    const checksOfSuggested = { ...settings.checks, setup: suggested, setupNetwork: true }
    return this.#try({ ...settings, checks: checksOfSuggested }, { ...checks, setup: suggested }, true)
  }

  async #try(settings: RepositorySettings, checks: Checks, setupNetwork: boolean): Promise<Tried> {
    let setupSeconds: number | undefined
    const during: CloneContext['during'] = async (doing, work) => {
      if (doing.kind !== 'command' || doing.command !== checks.setup || setupSeconds !== undefined) return work()
      const begun = performance.now()
      const done = await work()
      setupSeconds = (performance.now() - begun) / 1000
      return done
    }
    const baseline = await testsAsTheyAre(this.#context(settings, during))
    return { checks, setupNetwork, baseline, setupSeconds }
  }

  /** Whether one test file can be run by itself, as the proof will want it. */
  async #perFile(settings: RepositorySettings, { checks, setupNetwork }: Tried): Promise<boolean | undefined> {
    const { testFiles } = checks
    const { say } = this.#deps
    if (!testFiles) {
      say({ name: 'single files', state: 'ok', detail: 'not known how to run them: the whole suite is run each time' })
      return undefined
    }
    const own = { ...settings, checks: { ...settings.checks, setup: checks.setup, setupNetwork } }
    const run = await this.#clone(
      own,
      async (checkout) => runOne(checkout, testFiles, settings.checks.timeoutSeconds),
      false,
    )
    if (!run) return undefined
    const works = run.exitCode === 0 || (run.failures ?? []).length > 0
    say(
      works
        ? { name: 'single files', state: 'ok', detail: `${run.command}: ${duration(run.seconds * 1000)}` }
        : {
            name: 'single files',
            state: 'warning',
            detail: `${run.command} ends with exit code ${run.exitCode}:\n${indented(run.output)}`,
            fix: 'Set `checks.test_files` to what runs some files, or leave it to the whole suite by setting `checks.test` alone.',
          },
    )
    return works
  }
}

async function runOne(checkout: Checkout, testFiles: string, timeoutSeconds: number): Promise<Run | undefined> {
  const { output } = await checkout.run(['git', 'ls-files'], { maxOutput: 4_000_000 })
  const file = output.split('\n').find(isTestFile)
  return file === undefined ? undefined : evidence(checkout, withFiles(testFiles, [file]), timeoutSeconds)
}
