import type { Run } from '../core/artefacts.ts'
import { type Baseline, IS_USABLE } from '../core/baseline.ts'
import { type Checks, checksOf, isTestFile, withFiles } from '../core/checks.ts'
import { type Ecosystem, ecosystemOf } from '../core/ecosystems.ts'
import type { Finding } from '../core/finding.ts'
import { proposedSettings } from '../core/proposal.ts'
import { duration } from '../core/reply/document.ts'
import type { RepositorySettings } from '../core/settings.ts'
import type { Repository } from '../core/task/types.ts'
import { missingPrograms } from './missing.ts'
import type { Checkout } from '../workspace/types.ts'
import { testsAsTheyAre } from './baseline.ts'
import {
  commandFinding,
  indented,
  missingFinding,
  outfitFindings,
  suiteFinding,
  tookText,
  wantsSetUp,
} from './found.ts'
import { rootFiles } from './outfit.ts'
import type { CloneContext } from './types.ts'
import { evidence, withCheckout } from './workspace.ts'

/** A look at a repository before there is any work on it: can its tests be run, how long do they take, what is missing. */

export interface LookDeps extends Pick<CloneContext, 'git' | 'machine' | 'signal' | 'during'> {
  readonly repository: Repository
  readonly sha: string
  readonly settings: RepositorySettings
  readonly say: (finding: Finding) => void
}

/** What came of it. */
export interface Looked {
  /** Whether a change could be proved here. */
  readonly isReady: boolean
  /** The part of `.github/muster.yml` that would do. */
  readonly proposal: string | undefined
}

/** The run of the tests, and what was measured on the way. */
interface Tried {
  readonly checks: Checks
  readonly setupNetwork: boolean
  readonly baseline: Baseline
  readonly setupSeconds: number | undefined
}

/** One look at one commit. */
export class Look {
  readonly #deps: LookDeps

  constructor(deps: LookDeps) {
    this.#deps = deps
  }

  async all(): Promise<Looked> {
    const { say, settings } = this.#deps
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

  #context(settings: RepositorySettings, during: CloneContext['during'] = this.#deps.during): CloneContext {
    const { repository, signal, git, machine } = this.#deps
    const task = { settings, baseline: undefined, baseSha: undefined, origin: { repository } }
    return { task, signal, git, machine, during }
  }

  #clone<T>(
    settings: RepositorySettings,
    use: (checkout: Checkout, checks: Checks) => Promise<T>,
    isReadOnly = true,
  ): Promise<T> {
    return withCheckout(this.#context(settings), this.#deps.sha, use, { isReadOnly })
  }

  async #found(checkout: Checkout, settings: RepositorySettings) {
    const root = await rootFiles(this.#deps.git, this.#deps.repository, this.#deps.sha)
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
      if (doing.kind !== 'command' || doing.command !== checks.setup || setupSeconds !== undefined)
        return this.#deps.during(doing, work)
      const begun = performance.now()
      const done = await this.#deps.during(doing, work)
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
        ? { name: 'single files', state: 'ok', detail: `${run.command}: ${tookText(run.seconds)}` }
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
