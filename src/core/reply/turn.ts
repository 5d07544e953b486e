import type { GateResult } from '../environments/gates.ts'
import type { TurnComing, TurnTold, WaitsFor } from '../environments/types.ts'
import type { Release, Task } from '../task/types.ts'
import { brief, clockTime, type Document, NOTHING, type Own, paragraph, say, shortSha, table } from './document.ts'

/** What people are told of a release that waits: for its turn on the environment, or for a gate. */

const ORDINALS = ['', 'next', 'second', 'third'] as const

function ordinal(position: number): string {
  return ORDINALS[position] ?? `${position}th`
}

function forWhat(why: WaitsFor, environment: string): Own {
  switch (why.kind) {
    case 'release':
      if (why.recalledBy)
        return say`**${environment} is being taken back**: ${shortSha(why.sha)} leaves, as ${why.recalledBy.login} asked.`
      return say`**${environment} has a release under way**: ${shortSha(why.sha)}, asked for by ${why.by.login}, since ${clockTime(why.since)}.`
    case 'lock':
      return say`**${environment} is locked** by ${why.by.login} since ${clockTime(why.since)}${why.reason ? say`: ${brief(why.reason, 200)}` : NOTHING}.`
    case 'freeze':
      return say`**Nothing is deployed to ${environment} until ${clockTime(why.until)}**${why.reason ? say`: ${brief(why.reason, 200)}` : NOTHING}.`
  }
}

/** Where a release stands in line, in a sentence; undefined where it does not wait. */
export function turnText(task: Task, release: Release | undefined): Own | undefined {
  if (release?.turn?.state !== 'waits' || !release.turn.told || !release.plan) return undefined
  return waitsText(task, release, release.turn.told)
}

function waitsText(task: Task, { environment, plan }: Release, told: Extract<TurnTold, { state: 'waits' }>): Own {
  const about = told.about === undefined ? NOTHING : say` That may be about ${clockTime(told.about)}.`
  const lifts = told.why.kind === 'lock' ? say` \`@${task.settings.mention} unlock ${environment}\` lifts it.` : NOTHING
  return say`⏳ ${forWhat(told.why, environment)} The deploy of ${shortSha(plan?.sha ?? '')} is ${ordinal(told.position)} in line, and begins by itself when its turn comes.${about}${lifts} \`@${task.settings.mention} reject\` takes it out of the line.`
}

/** The message about that; rewritten as it moves on. */
export function turnComment(task: Task, release: Release, turn: TurnComing): Document {
  return turn.state === 'waits'
    ? [paragraph(waitsText(task, release, turn))]
    : [paragraph(say`▶️ It is the turn of ${shortSha(release.plan?.sha ?? '')} on ${release.environment}.`)]
}

const MARKS = { pass: '✅', wait: '⏳', block: '❌' } as const
const NAMES: Readonly<Record<GateResult['gate'], string>> = {
  who: 'Who asks',
  checks: 'Checks',
  order: 'Order',
  freeze: 'Freeze',
  quarantine: 'Quarantine',
  share: 'Shares',
  lock: 'Lock',
}

/** What each gate decided, and what it saw; nothing where there is none. */
export function gatesTable(gates: readonly GateResult[] = []): Document {
  if (gates.length === 0) return []
  return [
    table(
      ['Gate', '', 'Seen'],
      gates.map(({ gate, decision, evidence }) => [NAMES[gate], MARKS[decision], brief(evidence, 300)]),
    ),
  ]
}

/** Which gates hold a release up, in a sentence. */
export function gatedText(gates: readonly GateResult[]): Own {
  const held = gates
    .filter(({ decision }) => decision !== 'pass')
    .map(({ gate, evidence }) => `${NAMES[gate]}: ${evidence}`)
  return say`${brief(held.join('; '), 500)}`
}

/** The same for whoever reads a log. */
export function gatedLine(gates: readonly GateResult[]): string {
  return gates
    .filter(({ decision }) => decision !== 'pass')
    .map(({ evidence }) => evidence)
    .join('; ')
}
