import { type Approver, isAtLeast, type RoleName, type Standing, type Who } from '../standing.ts'
import type { Limits } from '../limits.ts'
import { frozenAt, type FreezeWindow } from './freeze.ts'
import type { EnvironmentState, Quarantined } from './types.ts'

/** What an environment's policy asks of a deploy, as it stands in the repository's settings, under the operator's limits. */
export interface Policy {
  /** Who may ask for a deploy. */
  readonly deployers: readonly Who[]
  /** Who may approve one. */
  readonly approvers: readonly Approver[]
  /** How many distinct people approve. */
  readonly approvals: number
  /** Checks that are green on the commit: by name, or whichever there are. */
  readonly checks: readonly string[] | 'all'
  /** The environment where exactly this commit is live and healthy first. */
  readonly after?: string | undefined
  readonly freeze: readonly FreezeWindow[]
  /** Whether what got worse is taken back by itself, where there is a way. Undefined in settings that were read before 0.5: it is not. */
  readonly rollback?: 'auto' | 'never' | undefined
  /** By how much the share of failed requests may have grown in what is called healthy; undefined: 5 percentage points. */
  readonly margin?: number | undefined
  /** A new release is given a share of the requests first, step by step; undefined: all at once. */
  readonly canary?: Canary | undefined
  /** What was taken back becomes work, which may cost so much; undefined: it does not. */
  readonly mend?: { readonly budgetUsd: number } | undefined
  /** Whether a branch may be deployed there before it is merged. */
  readonly branches?: boolean | undefined
  /** What is too much by itself; undefined in settings that were read before 0.5, and where nothing is said. */
  readonly limits?: Limits | undefined
  /** Counters of Prometheus that are watched in place of what the target sees. */
  readonly prometheus?: Metrics | undefined
  /** Where migrations stand, and whether they only add; undefined: where they usually stand, and nobody has said. */
  readonly migrations?: { readonly glob: readonly string[]; readonly onlyAdds: boolean } | undefined
}

/** Counters of Prometheus, each a metric with its labels. */
export interface Metrics {
  readonly requests: string
  readonly errors: string
  /** The `_bucket` series of a histogram in seconds. */
  readonly latency?: string | undefined
}

/** How a release is given more and more of the requests, in equal parts of its watch. */
export interface Canary {
  /** Percent, growing. */
  readonly steps: readonly number[]
  /** What becomes of it where there is not enough evidence at the end. */
  readonly unsure: 'promote' | 'back'
}

/** What holds where nothing is said. */
export const OPEN_POLICY: Policy & { readonly approvers: readonly Who[] } = {
  deployers: ['write'],
  approvers: ['write'],
  approvals: 1,
  checks: [],
  freeze: [],
}

/** A check on a commit, as the platform tells of its newest run. */
export interface CheckFact {
  readonly name: string
  readonly state: 'green' | 'red' | 'pending' | 'unknown'
}

/** Whatever the gates look at. What could not be found out is undefined, and lets nothing through. */
export interface GateFacts {
  readonly sha: string
  /** Nobody: the settings deploy by themselves. */
  readonly requester: Standing | 'unknown' | undefined
  readonly checks: readonly CheckFact[] | undefined
  /** The environment that comes before this one; undefined where it has never been deployed to. */
  readonly before: Pick<EnvironmentState, 'live' | 'holder'> | undefined
  /** The commit that was taken back here and that this one has, or is. */
  readonly quarantined: Quarantined | undefined
  readonly lock: EnvironmentState['lock']
  /** What is live has a share of the requests alone, and nobody watches it any more. */
  readonly shared?: { readonly sha: string; readonly percent: number } | undefined
  /** What was live before is wanted back: nothing that holds up what is new holds that up. */
  readonly goesBack: boolean
  readonly now: number
}

/** One gate: what it decided, why in a word, and what it saw. `wait`: it may open by itself. */
export interface GateResult {
  readonly gate: 'who' | 'checks' | 'order' | 'freeze' | 'quarantine' | 'lock' | 'share'
  readonly decision: 'pass' | 'wait' | 'block'
  readonly reason: string
  /** For people; names in it are somebody else's words. */
  readonly evidence: string
}

/** Every gate of a policy, in the order in which people are told of them. */
export function gatesOf(policy: Policy, facts: GateFacts): readonly GateResult[] {
  if (facts.goesBack) return [...whoGate(policy, facts), ...lockGate(facts), ...quarantineGate(facts)]
  return [
    ...whoGate(policy, facts),
    ...lockGate(facts),
    ...quarantineGate(facts),
    ...shareGate(facts),
    ...checksGate(policy, facts),
    ...orderGate(policy, facts),
    ...freezeGate(policy, facts),
  ]
}

/** What all of them come to. */
export function verdictOf(results: readonly GateResult[]): GateResult['decision'] {
  if (results.some(({ decision }) => decision === 'block')) return 'block'
  return results.some(({ decision }) => decision === 'wait') ? 'wait' : 'pass'
}

function whoGate({ deployers }: Policy, { requester }: GateFacts): GateResult[] {
  if (!requester) return []
  if (requester === 'unknown')
    return [
      {
        gate: 'who',
        decision: 'wait',
        reason: 'requester_unknown',
        evidence: 'what whoever asked may do here cannot be read now',
      },
    ]
  const { login } = requester
  return mayBe(deployers, requester)
    ? [{ gate: 'who', decision: 'pass', reason: 'may_deploy', evidence: `${login} is ${standingText(requester)}` }]
    : [
        {
          gate: 'who',
          decision: 'block',
          reason: 'may_not_deploy',
          evidence: `${login} is ${standingText(requester)}; deploys may be asked for by ${whoText(deployers)}`,
        },
      ]
}

/** Whoever has the environment already, and has not begun, waits as well. */
function lockGate({ lock }: GateFacts): GateResult[] {
  if (!lock) return []
  const evidence = `locked by ${lock.by.login}${lock.reason ? `: ${lock.reason.slice(0, 200)}` : ''}`
  return [{ gate: 'lock', decision: 'wait', reason: 'locked', evidence }]
}

/** Whether what waits is of its own: for a lock and a freeze everybody waits. */
export function holdsUpOthers(results: readonly GateResult[]): boolean {
  return !results.some(({ gate, decision }) => decision === 'wait' && (gate === 'lock' || gate === 'freeze'))
}

function quarantineGate({ quarantined, sha }: GateFacts): GateResult[] {
  if (!quarantined) return []
  const [bad, date] = [quarantined.sha.slice(0, 7), new Date(quarantined.at).toISOString().slice(0, 10)]
  const which = quarantined.sha === sha ? bad : `${sha.slice(0, 7)} has ${bad}, which`
  return [
    {
      gate: 'quarantine',
      decision: 'block',
      reason: 'quarantined',
      evidence: `${which} was taken back on ${date}; it may go live again with a commit that reverts it or says "Fixes: ${bad}", or after "unlock <env> ${bad}"`,
    },
  ]
}

/** What came on top would take its place beside the wrong release. */
function shareGate({ shared }: GateFacts): GateResult[] {
  if (!shared) return []
  const evidence = `${shared.sha.slice(0, 7)} still has a share of the requests, and nobody watches it; "rollback <env>" takes that away`
  return [{ gate: 'share', decision: 'block', reason: 'share_left', evidence }]
}

/** A share that nobody watches any more; undefined where there is none. */
export function shareLeft(state: Pick<EnvironmentState, 'live' | 'holder'> | undefined): GateFacts['shared'] {
  const { live, holder } = state ?? {}
  if (live?.percent === undefined) return undefined
  const isWatched = holder?.task === live.task && holder.release === live.release
  return isWatched ? undefined : { sha: live.sha, percent: live.percent }
}

const CHECK_ORDER = ['red', 'unknown', 'pending', 'green'] as const

function checksGate({ checks: wanted }: Policy, { checks, sha }: GateFacts): GateResult[] {
  if (wanted.length === 0) return []
  const at = `at ${sha.slice(0, 7)}`
  if (!checks)
    return [{ gate: 'checks', decision: 'wait', reason: 'checks_unknown', evidence: `the checks ${at} cannot be read` }]
  // One that has not begun yet is not there: whoever names it waits for it.
  const names = wanted === 'all' ? checks.map(({ name }) => name) : wanted
  if (names.length === 0)
    return [{ gate: 'checks', decision: 'wait', reason: 'no_checks', evidence: `no check has run ${at} yet` }]
  const states = names.map((name) => ({
    name,
    state: checks.find((one) => one.name === name)?.state ?? ('pending' as const),
  }))
  const worst = CHECK_ORDER.find((state) => states.some((one) => one.state === state)) ?? 'unknown'
  const those = states.filter(({ state }) => state === worst).map(({ name }) => name)
  const evidence = `${worst} ${at}: ${those.slice(0, 5).join(', ')}${those.length > 5 ? ` and ${those.length - 5} more` : ''}`
  const decision = worst === 'green' ? 'pass' : worst === 'pending' ? 'wait' : 'block'
  return [{ gate: 'checks', decision, reason: `checks_${worst}`, evidence }]
}

function orderGate({ after }: Policy, { before, sha }: GateFacts): GateResult[] {
  if (after === undefined) return []
  const { live } = before ?? {}
  const short = sha.slice(0, 7)
  if (live?.sha !== sha)
    return [
      {
        gate: 'order',
        decision: 'block',
        reason: 'not_there_first',
        evidence: `${after} comes first, and has ${live ? live.sha.slice(0, 7) : 'nothing'} instead of ${short}`,
      },
    ]
  const isWatched = before?.holder?.task === live.task && before.holder.release === live.release
  if (live.verdict === undefined && !isWatched)
    return [
      {
        gate: 'order',
        decision: 'block',
        reason: 'not_judged_there',
        evidence: `${short} was not watched to its end on ${after}`,
      },
    ]
  if (live.verdict === undefined)
    return [
      { gate: 'order', decision: 'wait', reason: 'watched_there', evidence: `${short} is still watched on ${after}` },
    ]
  return live.verdict === 'regressed'
    ? [{ gate: 'order', decision: 'block', reason: 'regressed_there', evidence: `${short} got worse on ${after}` }]
    : [
        {
          gate: 'order',
          decision: 'pass',
          reason: 'there_first',
          evidence: `${short} is live on ${after}: ${live.verdict}`,
        },
      ]
}

function freezeGate({ freeze }: Policy, { now }: GateFacts): GateResult[] {
  if (freeze.length === 0) return []
  const frozen = frozenAt(freeze, now)
  return frozen
    ? [
        {
          gate: 'freeze',
          decision: 'wait',
          reason: 'frozen',
          evidence: `frozen until ${new Date(frozen.until).toISOString().slice(0, 16)}Z${frozen.reason ? `: ${frozen.reason}` : ''}`,
        },
      ]
    : [{ gate: 'freeze', decision: 'pass', reason: 'not_frozen', evidence: 'no freeze now' }]
}

/** Whether somebody is one of those that are named. */
export function mayBe(who: readonly Who[], standing: Standing): boolean {
  return who.some((one) => {
    if (isRoleName(one)) return isAtLeast(standing.role, one)
    const name = one.slice(1).toLowerCase()
    // Whoever is named still has to belong to the repository: names outlive people's time in a team.
    const isWriter = isAtLeast(standing.role, 'write')
    return isWriter && (name.includes('/') ? standing.teams.includes(name) : standing.login.toLowerCase() === name)
  })
}

function isRoleName(one: Who): one is Extract<Who, RoleName> {
  return !one.startsWith('@')
}

/** The teams among them, `org/team`. */
export function teamsIn(who: readonly Who[]): readonly string[] {
  const named = who.filter((one) => one.startsWith('@') && one.includes('/'))
  return [...new Set(named.map((one) => one.slice(1).toLowerCase()))]
}

/** Who approves, for people. @param but whoever asked, where that person's own word does not count */
export function approversText(who: readonly Who[], but: string | undefined): string {
  const others = who.filter((one) => one.toLowerCase() !== `@${but?.toLowerCase()}`)
  // Where people are named, and nobody else, there is nobody to be left out.
  const isOpen = others.some((one) => isRoleName(one) || one.includes('/'))
  return but !== undefined && (isOpen || others.length === 0) ? `${whoText(others)} other than ${but}` : whoText(others)
}

/** For people. */
export function whoText(who: readonly Who[]): string {
  const words = who.map((one) => (isRoleName(one) ? `anybody with ${one} permission` : one.slice(1)))
  return words.length > 1 ? `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}` : (words[0] ?? 'nobody')
}

function standingText({ role, teams }: Standing): string {
  return `${role === 'none' ? 'nobody here' : `here with ${role} permission`}${teams.length > 0 ? `, of ${teams.join(', ')}` : ''}`
}
