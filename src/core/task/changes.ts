import type { LedgerEntry, Release, Task, TaskEvent } from './types.ts'

/** What reviews and releases change in a task. */

type ReviewEvent = Extract<TaskEvent, { type: `review.${string}` }>

export function changeReview(review: Task['review'], event: ReviewEvent): Task['review'] {
  switch (event.type) {
    case 'review.received': {
      const known = new Set(review.ledger.map((entry) => entry.comment.id))
      const fresh = event.comments.filter((comment) => !known.has(comment.id))
      const reviewers = review.reviewers.some((person) => person.id === event.by.id)
        ? review.reviewers
        : [...review.reviewers, event.by]
      const ledger = [
        ...review.ledger,
        ...fresh.map((comment): LedgerEntry => ({ comment, outcome: 'open', sha: undefined })),
      ]
      const pending = [...review.pending, ...fresh]
      return { pending, ledger, reviewers, dueAt: pending.length > 0 ? event.dueAt : review.dueAt }
    }
    case 'review.taken':
      return {
        ...review,
        pending: review.pending.filter((comment) => !event.ids.includes(comment.id)),
        dueAt: undefined,
      }
    case 'review.answered': {
      const answers = new Map(event.answers.map((answer) => [answer.id, answer]))
      const ledger = review.ledger.map((entry) => {
        const answer = answers.get(entry.comment.id)
        return answer
          ? { ...entry, outcome: answer.outcome, sha: answer.outcome === 'fixed' ? event.sha : undefined }
          : entry
      })
      return { ...review, ledger }
    }
  }
}

type ReleaseEvent = Exclude<
  Extract<TaskEvent, { type: `release.${string}` | `deployment.${string}` }>,
  { type: 'release.awaited' }
>

export function changeReleases(releases: readonly Release[], event: ReleaseEvent): readonly Release[] {
  if (event.type === 'release.requested') {
    const release: Release = {
      index: releases.length + 1,
      environment: event.environment,
      ref: event.ref,
      requester: event.by,
      ...(event.isAuto ? { isAuto: true } : {}),
      ...(event.goesBack ? { goesBack: true } : {}),
      ...(event.bisect ? { bisect: event.bisect } : {}),
      ...(event.awaits ? { awaits: event.awaits } : {}),
      plan: undefined,
      deploymentId: undefined,
      deployed: undefined,
      report: undefined,
    }
    return [...releases, release]
  }
  return releases.map((release) =>
    release.index === event.release ? { ...release, ...releaseChange(event) } : release,
  )
}

function releaseChange(event: Exclude<ReleaseEvent, { type: 'release.requested' }>): Partial<Release> {
  switch (event.type) {
    case 'release.planned':
      return { plan: event.plan }
    case 'release.bisected':
      return { bisected: event.bisected }
    case 'release.entered':
      return { turn: { nth: event.nth, state: 'asked' } }
    case 'release.turn':
      return {
        turn:
          event.turn.state === 'given'
            ? { nth: event.nth, state: 'given' }
            : { nth: event.nth, state: 'waits', told: event.turn },
        ...(event.turn.state === 'waits' ? { hasWaited: true } : {}),
      }
    case 'release.gated':
      return { gated: event.gates }
    case 'release.looked':
      return { watch: event.watch }
    case 'deployment.created':
      return { deploymentId: event.deploymentId }
    case 'release.deployed':
      return { deployed: event.deployed, gated: undefined }
    case 'release.recalled':
      return { recalledBy: event.by }
    case 'release.rolled_back':
      return { rolledBack: event.rolledBack }
    case 'release.watched':
      return { report: event.report }
  }
}
