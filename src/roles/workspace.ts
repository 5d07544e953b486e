import { type Checks, checksOf } from '../core/checks.ts'
import type { RootFiles } from '../core/ecosystems.ts'
import { failuresIn, passedIn } from '../core/failures.ts'
import { goneOnFrom } from '../core/baseline.ts'
import { UserError } from '../core/errors.ts'
import type { Run } from '../core/artefacts.ts'
import { digestOf } from '../core/digest.ts'
import type { Checkout } from '../workspace/types.ts'
import { groundOf, keysOf, rootFiles } from './outfit.ts'
import type { CloneContext } from './types.ts'

const NO_NETWORK = 'It asks for the network, which the operator has not allowed (`MUSTER_SETUP_NETWORK=1`).'

/** A repository's set-up command failed: nothing of it can be run. */
export class SetupFailed extends UserError {
  readonly run: Run
  /** What stands in its way that the repository cannot know. */
  readonly reason: string | undefined
  constructor(run: Run, reason: string | undefined) {
    super('setup_failed', `The set-up command failed (exit code ${run.exitCode}):\n${run.output.slice(-1500)}\n`, {
      hint: reason ?? 'See `checks.setup` in .github/muster.yml.',
    })
    this.run = run
    this.reason = reason
  }
}

/** How much of a command's output is kept as evidence. */
const EVIDENCE = 20_000

/**
 * Uses a fresh clone and removes it, whatever happens. A set-up that may use the network runs on code of the default branch
 * only, before anything that a model wrote is there.
 * @param base the commit of the default branch that it came from, where no branch of the task tells it yet
 * @param use is given, besides, what keeps all that was built in it for later clones: to be called before anybody else writes there
 * @param isReadOnly nothing is run in it, so nothing is set up
 */
export async function withCheckout<T>(
  context: CloneContext,
  sha: string,
  use: (checkout: Checkout, checks: Checks, keepBuilt: () => Promise<void>) => Promise<T>,
  { isReadOnly = false, base }: { readonly isReadOnly?: boolean; readonly base?: string } = {},
): Promise<T> {
  const { git, task, signal } = context
  const { repository } = task.origin
  const { setup, setupNetwork } = task.settings.checks
  const trusted = setup !== undefined && setupNetwork ? await trustedOf(context, sha, base) : sha
  const found = await groundOf(context, trusted)
  // What this machine fetches for it (an image, a language) is said by what people merged, never by a pull request.
  const merged = task.origin.pull ? await trustedOf(context, sha, base) : trusted
  const ground = merged === trusted ? found : { ...found, outfit: (await groundOf(context, merged)).outfit }
  const keys = isReadOnly ? {} : keysOf(context, ground)
  const against = [base, task.baseSha, task.headSha].filter((one) => one !== undefined)
  const options = { ...keys, outfit: ground.outfit, submodules: task.settings.checks.submodules, against }
  const bare = await context.during({ kind: 'clone' }, () => git.checkout(repository, trusted, signal, options))
  const checkout = watched(bare, context)
  try {
    const root = trusted === sha ? ground.root : await rootFiles(git, repository, sha)
    const checks = findChecks(context, root, checkout)
    if (!isReadOnly && !checkout.isSetUp) {
      const isDone = await setUp(context, checkout, checks)
      await checkout.settle(isDone && keys.snapshot !== undefined && (await isOurs(context, trusted)))
    }
    if (trusted !== sha) await checkout.switchTo(sha)
    const keepBuilt = async () => {
      const { builds } = ground.ecosystem ?? {}
      if (keys.built && builds && trusted === sha && (await isOurs(context, sha))) await checkout.keepBuilt(builds)
    }
    return await use(checkout, checks, keepBuilt)
  } finally {
    await checkout.dispose()
  }
}

/** The newest commit that people have merged, of those that this one came from: only that is set up with network. */
async function trustedOf({ git, task }: CloneContext, sha: string, base: string | undefined): Promise<string> {
  const { repository, pull } = task.origin
  if (pull?.head === undefined) return base ?? task.baseSha ?? sha
  return git.mergeBase(repository, sha, await git.resolve(repository, repository.defaultBranch))
}

/** Only what people merged is kept for others: nothing that a model had a hand in. */
function isOurs({ git, task }: CloneContext, sha: string): Promise<boolean> {
  const { repository } = task.origin
  // By its whole name: a tag may be called the same, and would count first.
  return git.isAncestor(repository, sha, `refs/heads/${repository.defaultBranch}`)
}

/** A command of the repository's or the model's is what people would call running something. */
function watched(checkout: Checkout, { during }: CloneContext): Checkout {
  return {
    ...checkout,
    exec: (command, options) => during({ kind: 'command', command }, () => checkout.exec(command, options)),
  }
}

function findChecks({ task }: CloneContext, root: RootFiles, checkout: Checkout): Checks {
  const checks = checksOf(task.settings.checks, root)
  // The whole suite has no end, and somebody goes on without it: it is waited for no more.
  const isEndless = goneOnFrom(task.baseline, task.settings.checks)?.found === 'hangs'
  return { ...checks, ...(isEndless ? { test: undefined } : {}), notes: checkout.outfit.notes }
}

/** Installers that are told so run no package's own scripts: npm and pnpm, Yarn 1, Yarn. */
const NO_SCRIPTS = {
  npm_config_ignore_scripts: 'true',
  YARN_IGNORE_SCRIPTS: 'true',
  YARN_ENABLE_SCRIPTS: 'false',
}

/** @returns whether it has come to an end that others may begin with */
async function setUp({ task, machine }: CloneContext, checkout: Checkout, checks: Checks): Promise<boolean> {
  // It would hang once more.
  const inSpiteOf = goneOnFrom(task.baseline, task.settings.checks)
  const isKnown = inSpiteOf?.found === 'no_setup'
  if (!checks.setup || (isKnown && inSpiteOf.run?.timedOut)) return false
  const { timeoutSeconds, setupNetwork: wanted, setupScripts = false } = task.settings.checks
  const network = wanted && machine.setupNetwork
  const env = network && !setupScripts ? NO_SCRIPTS : {}
  const run = await evidence(checkout, checks.setup, timeoutSeconds, { network, env })
  // Somebody has decided to go on with the tree as it is.
  if (run.exitCode === 0 || isKnown) return run.exitCode === 0
  const isCut = wanted && !machine.setupNetwork
  const reasons = [...(isCut ? [NO_NETWORK] : []), ...checkout.outfit.notes]
  throw new SetupFailed(run, reasons.length > 0 ? reasons.join(' ') : undefined)
}

/** Runs a shell command of the repository and keeps what it printed as evidence. */
export async function evidence(
  checkout: Checkout,
  command: string,
  timeoutSeconds: number,
  options: { readonly network?: boolean; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Run> {
  const result = await checkout.exec(command, { timeoutMs: timeoutSeconds * 1000, ...options })
  const { exitCode, seconds, output } = result
  // What was left out in the middle may have failed.
  const isCut = /\[… \d{1,12} characters left out …\]/.test(output)
  const failures = exitCode === 0 || isCut ? [] : failuresIn(output)
  const passed = isCut ? undefined : passedIn(output)
  return {
    command,
    exitCode,
    seconds,
    // Of a long one that failed, what failed counts, wherever it stands.
    output: digestOf(output, EVIDENCE),
    ...(failures.length > 0 ? { failures } : {}),
    ...(passed === undefined ? {} : { passed }),
    ...(result.timedOut ? { timedOut: true } : {}),
  }
}
