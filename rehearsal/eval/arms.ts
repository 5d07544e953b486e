import { join } from 'node:path'
import type { Router } from '../../src/llm/types.ts'
import { copyRepository, type LocalRepository } from '../../src/workspace/local.ts'
import type { Machine, Sandbox } from '../../src/workspace/types.ts'
import { git } from '../github/git.ts'
import { approvesPlans, type Decider, type Journey } from '../own/journey.ts'
import { playOn } from '../own/rehearse.ts'
import { branchOf } from '../own/report.ts'
import { runBare } from './bare.ts'
import type { EvalCase } from './cases.ts'
import type { CaseResult } from './results.ts'
import { judge, openBench } from './score.ts'

/** What an arm works with. */
export interface ArmDeps {
  /** A folder of the case's own. */
  readonly dir: string
  readonly sandbox: Sandbox
  readonly machine: Machine
  readonly patienceMs: number
  /** The environment of a server that asks the models. */
  readonly env: Readonly<Record<string, string>>
  /** The models in this process; undefined where stories are played. */
  readonly direct: { readonly router: Router } | undefined
}

export type ArmResult = Pick<CaseResult, 'outcome' | 'reason' | 'proved' | 'turns' | 'usd'>

/** One way of solving a case. */
export type Arm = (one: EvalCase, repository: LocalRepository, deps: ArmDeps) => Promise<ArmResult>

/** Every arm, one line each. */
export const ARMS: Readonly<Record<'muster' | 'bare', Arm>> = { muster: byMuster, bare: byBare }
export type ArmName = keyof typeof ARMS

const ANSWER =
  'Nobody can answer now. Take the reading that the request and the repository support best, and say in the spec what you assumed.'

/** Approves plans, answers the first questions as the case says, and nothing else: a case is worked on without people. */
export function unattended(answer: string = ANSWER): Decider {
  let answered = 0
  return (gate, task) =>
    gate.kind === 'question' && answered++ === 0 ? Promise.resolve(answer) : approvesPlans(gate, task)
}

async function byMuster(one: EvalCase, repository: LocalRepository, deps: ArmDeps): Promise<ArmResult> {
  const { env, patienceMs, dir, sandbox, machine } = deps
  const played = await playOn(repository, one.request, { env, decide: unattended(one.answer), patienceMs })
  const { stage, journey, end } = played
  try {
    const cost = costOf(journey)
    const branch = branchOf(journey.task)
    const isOpened = journey.ending === 'proved' || journey.ending === 'ready'
    if (!isOpened || !branch) return { outcome: 'stopped', reason: journey.reason, proved: false, ...cost }
    const bench = await openBench(stage.repo.dir, repository.sha, { dir: join(dir, 'judge'), sandbox, machine })
    const head = await git(stage.repo.dir, ['rev-parse', `refs/heads/${branch}`])
    return { ...verdict(await judge(bench, one, head)), proved: journey.ending === 'proved', ...cost }
  } finally {
    await end()
  }
}

function costOf({ task }: Journey): Pick<ArmResult, 'turns' | 'usd'> {
  return {
    turns: (task?.state.steps ?? []).reduce((sum, { turns }) => sum + turns, 0),
    usd: task?.costUsd ?? 0,
  }
}

async function byBare(one: EvalCase, repository: LocalRepository, deps: ArmDeps): Promise<ArmResult> {
  const { direct, dir, sandbox, machine, patienceMs } = deps
  if (!direct) return { outcome: 'skipped', reason: 'stories are of Muster alone', turns: 0, usd: 0 }
  const bare = join(dir, 'bare.git')
  await copyRepository(repository, bare)
  const bench = await openBench(bare, repository.sha, { dir: join(dir, 'bare'), sandbox, machine })
  const { outcome, reason, sha, turns, usd } = await runBare({ ...direct, bench, ms: patienceMs }, one.request)
  if (outcome === 'stopped') return { outcome: 'stopped', reason, turns, usd }
  if (!sha) return { outcome: 'unsolved', reason: 'nothing was changed', turns, usd }
  return { ...verdict(await judge(bench, one, sha)), turns, usd }
}

function verdict({
  exitCode,
  output,
  timedOut,
  failures,
}: Awaited<ReturnType<typeof judge>>): Pick<CaseResult, 'outcome' | 'reason'> {
  if (exitCode === 0) return { outcome: 'solved', reason: 'the hidden tests pass' }
  const what = failures?.length ? failures.slice(0, 3).join('; ') : (output.trim().split('\n').at(-1) ?? '')
  return { outcome: 'unsolved', reason: `the hidden tests ${timedOut ? 'do not end' : 'fail'}: ${what.slice(0, 200)}` }
}
