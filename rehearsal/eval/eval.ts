import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { readSettings, type Settings } from '../../src/config/env.ts'
import { messageOf, UserError } from '../../src/core/errors.ts'
import type { Env } from '../../src/core/environment.ts'
import { variablesOf } from '../../src/core/registries.ts'
import { verbatim } from '../../src/core/sanitise.ts'
import { openProvider } from '../../src/llm/provider.ts'
import { answersInMemory } from '../../src/llm/answers.ts'
import { createRouter } from '../../src/llm/router.ts'
import { newNonce } from '../../src/roles/prompt.ts'
import { machineOf } from '../../src/operate/machine.ts'
import { sandboxOf } from '../../src/operate/sandbox.ts'
import { chooseSandbox } from '../../src/workspace/choose.ts'
import { copyRepository } from '../../src/workspace/local.ts'
import { equipped } from '../../src/workspace/outfit.ts'
import { missingPrograms } from '../../src/roles/missing.ts'
import { modelEnv } from '../own/models.ts'
import { type ArmDeps, type ArmName, ARMS } from './arms.ts'
import { type EvalCase, readCases, repositoryOf } from './cases.ts'
import { besideText, type CaseResult, type EvalResults, resultsText } from './results.ts'
import { judge, openBench } from './score.ts'

export interface EvalOptions {
  readonly cases: string
  readonly arms: readonly ArmName[]
  readonly model?: string | undefined
  readonly only: readonly string[]
  /** Cases at the same time. */
  readonly parallel: number
  /** For how long one case may be worked on, in minutes. */
  readonly minutes: number
  /** Where the results go as JSON. */
  readonly out?: string | undefined
  /** Plays the stories of the cases in place of a model. */
  readonly recorded: boolean
  /** Writes what the model answers as the stories of the cases. */
  readonly record: boolean
  readonly json: boolean
}

/** Runs every case with every arm. @param say what people see meanwhile @returns whether all that were not left out are solved */
export async function runEval(options: EvalOptions, env: Env, say: (line: string) => void): Promise<boolean> {
  const cases = readCases(options.cases, options.only)
  const work = await setUp(options, env)
  const dir = mkdtempSync(join(tmpdir(), 'muster-eval-'))
  const results: CaseResult[] = []
  try {
    const jobs = cases.flatMap((one) => options.arms.map((arm) => ({ one, arm })))
    await inParallel(jobs, options.parallel, async ({ one, arm }, nth) => {
      const result = await runOne(one, arm, { ...work, dir: join(dir, String(nth)) }, options)
      results.push(result)
      if (!options.json) say(lineOf(result, results.length, jobs.length))
    })
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
  const order = cases.map(({ name }) => name)
  const sorted = results.toSorted(
    (a, b) =>
      order.indexOf(a.name) - order.indexOf(b.name) ||
      options.arms.indexOf(a.arm as ArmName) - options.arms.indexOf(b.arm as ArmName),
  )
  const found: EvalResults = { version: 1, at: new Date().toISOString(), models: work.models, cases: sorted }
  if (options.out) writeFileSync(options.out, `${JSON.stringify(found, null, 1)}\n`)
  tell(found, options, say)
  return sorted.every(({ outcome }) => outcome === 'solved' || outcome === 'skipped')
}

function tell(found: EvalResults, { json, out }: EvalOptions, say: (line: string) => void): void {
  if (json) return say(JSON.stringify(found))
  say(`\n${resultsText(found)}`)
  const beside = besideText(found.cases, 'muster', 'bare')
  if (beside) say(`\n${beside}`)
  if (out) say(`\nThe results stand in ${out}.`)
}

export interface Work extends Omit<ArmDeps, 'dir'> {
  readonly models: string
}

export async function setUp(
  { recorded, model, minutes }: Pick<EvalOptions, 'recorded' | 'model' | 'minutes'>,
  env: Env,
): Promise<Work> {
  const asked = recorded ? {} : modelEnv(env, model)
  const settings = readSettings(asked)
  const own = readSettings({
    MUSTER_SANDBOX: env['MUSTER_SANDBOX'],
    MUSTER_SETUP_NETWORK: env['MUSTER_SETUP_NETWORK'],
    MUSTER_SETUP_HOSTS: env['MUSTER_SETUP_HOSTS'],
    MUSTER_TOOLCHAINS: env['MUSTER_TOOLCHAINS'],
    MUSTER_DATA: env['MUSTER_DATA'],
    MUSTER_CONTAINERS: env['MUSTER_CONTAINERS'],
    MUSTER_REGISTRIES: env['MUSTER_REGISTRIES'],
    ...Object.fromEntries(variablesOf(env['MUSTER_REGISTRIES']).map((name) => [name, env[name]])),
  })
  const kind = await chooseSandbox(own.sandbox, own.containers)
  return {
    sandbox: sandboxOf({ ...own, sandbox: kind }, env),
    machine: machineOf(own, env),
    patienceMs: minutes * 60_000,
    env: { ...asked, MUSTER_SANDBOX: kind },
    direct: recorded ? undefined : directOf(settings),
    models: recorded ? 'recorded' : namesOf(settings),
  }
}

function directOf(settings: Settings): ArmDeps['direct'] {
  const provider = openProvider({
    scriptFile: undefined,
    recordFile: undefined,
    providers: settings.providers,
    now: Date.now,
    onBreak: () => {},
  })
  const { models, prices } = settings
  const router = createRouter({
    provider,
    models,
    prices,
    nonceOf: () => newNonce(),
    now: Date.now,
    answers: answersInMemory(),
    onFallback: () => {},
  })
  return { router }
}

function namesOf({ models }: Settings): string {
  const names = Object.entries(models).map(
    ([tier, order]) => `${tier}=${order.map(({ provider, model }) => `${provider}:${model}`).join('|')}`,
  )
  return names.join(',')
}

type Stories = Pick<EvalOptions, 'recorded' | 'record'>

async function runOne(one: EvalCase, arm: ArmName, work: ArmDeps, stories: Stories): Promise<CaseResult> {
  const started = Date.now()
  const about = { name: one.name, ...(one.language ? { language: one.language } : {}), arm }
  const nothing = { turns: 0, usd: 0 }
  const result = await attempt(one, arm, work, stories).catch((error: unknown) => ({
    outcome: 'error' as const,
    reason: error instanceof UserError ? [error.message, error.hint].filter(Boolean).join(' ') : messageOf(error),
    ...nothing,
  }))
  // Programs and models wrote it, and it goes to a terminal.
  const reason = verbatim(result.reason)
  return { ...about, ...result, reason, seconds: Math.round((Date.now() - started) / 100) / 10 }
}

async function attempt(one: EvalCase, arm: ArmName, work: ArmDeps, { recorded, record }: Stories) {
  const nothing = { turns: 0, usd: 0 }
  const skipped = (reason: string) => ({ outcome: 'skipped' as const, reason, ...nothing })
  if (recorded && !one.story) return skipped('it has no story')
  const missing = await missingFor(one, work, work.dir)
  if (missing.length > 0) return skipped(`${missing.join(', ')} is not there in the sandbox`)
  const repository = await repositoryOf(one, join(work.dir, 'source'))
  const wrong = await provesNothing(one, repository, work)
  if (wrong) return { outcome: 'invalid' as const, reason: wrong, ...nothing }
  const story = recorded && one.story ? { MUSTER_SCRIPT: one.story } : {}
  const written = record && arm === 'muster' ? { MUSTER_RECORD: resolve(one.folder, 'story.json') } : {}
  const env = { ...work.env, ...story, ...written }
  return ARMS[arm](one, repository, { ...work, env })
}

/** What a case needs and the sandbox does not have. */
export async function missingFor(
  { needs }: Pick<EvalCase, 'needs'>,
  { sandbox, machine }: Pick<ArmDeps, 'sandbox' | 'machine'>,
  dir: string,
): Promise<string[]> {
  const folder = join(dir, 'probe')
  mkdirSync(folder, { recursive: true })
  const asking = {
    files: new Set<string>(),
    read: async () => undefined,
    runtimes: {},
    services: [],
    image: undefined,
    programs: needs,
  }
  const outfit = await machine.outfit(asking)
  return missingPrograms(needs, (command) =>
    sandbox.run({ dir: folder, timeoutMs: 60_000, ...equipped(outfit, command) }),
  )
}

/** A case whose hidden tests pass before anything is changed says nothing. @returns why; undefined where it does */
async function provesNothing(
  one: EvalCase,
  repository: Awaited<ReturnType<typeof repositoryOf>>,
  { dir, sandbox, machine }: ArmDeps,
): Promise<string | undefined> {
  const bare = join(dir, 'base.git')
  await copyRepository(repository, bare)
  const bench = await openBench(bare, repository.sha, { dir: join(dir, 'base'), sandbox, machine })
  const { exitCode } = await judge(bench, one, repository.sha)
  return exitCode === 0 ? 'its hidden tests pass before anything is changed' : undefined
}

/** Works on all jobs, so many at once. */
export async function inParallel<T>(
  jobs: readonly T[],
  most: number,
  work: (job: T, nth: number) => Promise<void>,
): Promise<void> {
  const queue = [...jobs.entries()]
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await work(next[1], next[0])
  }
  await Promise.all(Array.from({ length: Math.max(1, Math.min(most, jobs.length)) }, worker))
}

function lineOf({ name, arm, outcome, turns, usd, seconds }: CaseResult, nth: number, of: number): string {
  return `[${nth}/${of}] ${name} (${arm}): ${outcome}, ${turns} turns, $${usd.toFixed(3)}, ${Math.round(seconds)} s`
}
