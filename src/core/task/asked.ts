import { firstGate, gateAt } from './steps.ts'
import type { Person, Task, GateOpened } from './types.ts'

/** Whose turn it is, as far as persons are meant: they are called where they are asked. */
/** @param gate what they are asked about; undefined: the work as such */
export function askedPeople(task: Task, gate: GateOpened | undefined = firstGate(task)): Person[] {
  const { origin } = task
  if (gate?.kind === 'deploy') return approvers(task)
  return gate?.kind === 'question' ? persons([origin.requester, origin.author]) : persons([origin.requester])
}

/**
 * Whether somebody without write permission may say this: whoever wrote the request up is asked about it as well. It begins nothing,
 * and a person approves the plan that comes of it.
 */
export function mayAnswer(task: Task | undefined, { id }: Person, verb: string): boolean {
  return (
    verb === 'answer' &&
    task !== undefined &&
    gateAt(task, 'question') !== undefined &&
    id > 0 &&
    id === task.origin.author.id
  )
}

/** Whoever reviews a pull request. */
export function reviewersOf({ origin, review }: Task): Person[] {
  return persons([origin.requester, ...review.reviewers])
}

/** Whoever may approve a release and has had to do with the work; where nobody has, nobody in particular is meant. */
function approvers(task: Task): Person[] {
  const release = task.releases.at(-1)
  if (release?.plan?.approval === 'self') return persons([release.requester])
  const earlier = task.approvals.flatMap(({ by }) => (by === 'settings' ? [] : [by]))
  const all = persons([...earlier, ...task.review.reviewers, ...(task.merged ? [task.merged.by] : [])])
  return all.filter(({ id }) => id !== release?.requester.id)
}

/** Each once; nobody without an account. */
function persons(all: readonly Person[]): Person[] {
  return [...new Map(all.filter(({ id }) => id > 0).map((one) => [one.id, one])).values()]
}
