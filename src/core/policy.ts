import type { Design, ReleasePlan, Spec } from './artefacts.ts'
import { hashOf } from './hash.ts'
import type { PlanApproval } from './settings.ts'
import type { Approval, Task } from './task/types.ts'

/** A yes or no with its reason code and a sentence for people. */
export interface Ruling {
  readonly ok: boolean
  readonly reason: string
  readonly detail: string
}

const RISK = { low: 0, medium: 1, high: 2 } as const
const FROM: Readonly<Record<PlanApproval, number>> = { always: 0, medium: 1, high: 2, never: 3 }

/** Whether a person must approve a plan of this risk. An unknown policy value asks (fails closed). */
export function planNeedsPerson(policy: PlanApproval, risk: Spec['risk'], forced: boolean): Ruling {
  const needed = policy !== 'never' && (forced || RISK[risk] >= (FROM[policy] ?? 0))
  const detail = forced
    ? 'a plan was asked for, or words that the request rests on are by somebody without write permission'
    : policy === 'always'
      ? 'a person approves every plan here'
      : `the risk is ${risk}; a person approves plans from ${policy} risk on`
  return { ok: needed, reason: needed ? 'gate_plan' : 'risk_below_gate', detail }
}

/** What an approval of a plan binds to. */
export function planHash(spec: Spec, design: Design): string {
  return hashOf({ spec, design })
}

/** The approval in force for exactly this gate, content and SHA. */
export function approvalFor(
  task: Pick<Task, 'approvals'>,
  gate: Approval['gate'],
  hash: string,
  sha?: string,
): Approval | undefined {
  return task.approvals.findLast((approval) => approval.gate === gate && approval.hash === hash && approval.sha === sha)
}

/** Everybody whose approval counts for exactly this plan, once each, the first first; the settings where they approve. */
export function deployApprovals(
  { approvals }: Pick<Task, 'approvals'>,
  { hash, sha }: Pick<ReleasePlan, 'hash' | 'sha'>,
): readonly Approval[] {
  const whose = ({ by }: Approval) => (by === 'settings' ? by : String(by.id))
  const all = approvals.filter((one) => one.gate === 'deploy' && one.hash === hash && one.sha === sha)
  return all.filter((one, index) => all.findIndex((other) => whose(other) === whose(one)) === index)
}

/** Whether as many people as it takes have approved exactly this plan, or the settings say that nobody needs to. */
export function isDeployApproved(task: Pick<Task, 'approvals'>, plan: ReleasePlan): boolean {
  const given = deployApprovals(task, plan)
  return given.some(({ by }) => by === 'settings') || (given.length > 0 && given.length >= (plan.approvals ?? 1))
}

/** How long an approval of a deploy counts; ms. */
export const APPROVAL_MS = 4 * 3_600_000

/** Whether an approval that it takes is older than that. @param now ms since the epoch */
export function isApprovalExpired(task: Pick<Task, 'approvals'>, plan: ReleasePlan, now: number): boolean {
  const fresh = deployApprovals(task, plan).filter(({ at, by }) => by === 'settings' || now - at < APPROVAL_MS)
  return !isDeployApproved({ approvals: fresh }, plan)
}

const PROTECTED = [
  /^\.github\//,
  /^\.git(modules|attributes)$/,
  /(^|\/)CODEOWNERS$/,
  /(^|\/)\.[^/]+\//,
  /(^|\/)\.(npmrc|yarnrc(\.yml)?|env)$/,
  /(^|\/)(package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?|Cargo\.lock|poetry\.lock|uv\.lock|Gemfile\.lock|go\.sum|composer\.lock)$/,
]
export const MAX_FILES = 100
export const MAX_PATCH_BYTES = 4096 * 1024

/** Whether a patch may be published: nothing protected, nothing oversized (security.md 43, 44). */
export function mayPublish(files: readonly string[], bytes: number, allow: readonly string[]): Ruling {
  if (files.length > MAX_FILES)
    return refused('too_many_files', `the patch touches ${files.length} files; at most ${MAX_FILES} are published`)
  if (bytes > MAX_PATCH_BYTES)
    return refused(
      'patch_too_large',
      `the patch has ${Math.ceil(bytes / 1024)} KB; at most ${MAX_PATCH_BYTES / 1024} KB are published`,
    )
  const blocked = files.filter((file) => PROTECTED.some((rule) => rule.test(file)) && !allow.includes(file))
  if (blocked.length === 0) return { ok: true, reason: 'permitted', detail: '' }
  return refused(
    'protected_files',
    `the patch touches protected files (${blocked.slice(0, 5).join(', ')}); list them under protect.allow in .github/muster.yml if that is wanted`,
  )
}

function refused(reason: string, detail: string): Ruling {
  return { ok: false, reason, detail }
}

/** What is added to a budget where nobody says how much: what the repository gives a task, in whole dollars, one at least. */
export function moreUsd({ settings }: Pick<Task, 'settings'>): number {
  return Math.max(1, Math.round(settings.budgetUsd))
}

/** What a task has cost so far, in dollars. */
export function spent(task: Pick<Task, 'steps'>): number {
  return task.steps.reduce((sum, step) => sum + step.costUsd, 0)
}
