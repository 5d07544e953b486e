import type { EffectBody, EffectResult, GithubKind } from '../../core/effects.ts'
import type { Cost } from '../../core/rate.ts'

/**
 * What an effect takes of an installation's limits (limits.md: a GET 1 point, a write 5; comments, reviews and pull requests
 * also count as content). Small lists that it may read first are in it.
 */
const COSTS: Readonly<Record<GithubKind, (previous: EffectResult | undefined) => Cost>> = {
  'status.upsert': written,
  'comment.upsert': written,
  comment: () => content(2),
  'review.post': () => content(2),
  'review.reply': () => content(2),
  'pr.open': () => content(2),
  'issue.open': () => content(2),
  'check.upsert': () => edit(3),
  'pr.ready': () => edit(2),
  'check.rerun': () => edit(1),
  'git.push': () => ({ points: 2, requests: 2 }),
  'pr.body.upsert': () => edit(1),
  reaction: () => edit(1),
  'review.request': () => edit(1),
  'label.create': () => edit(1),
  'deployment.create': () => edit(1),
  'deployment.status': () => edit(1),
  'deployment.refuse': () => edit(1),
}

/** What is not GitHub's, or of a newer version, is refused when it is sent. */
export function costOf({ kind }: EffectBody, previous: EffectResult | undefined): Cost {
  return isOurs(kind) ? COSTS[kind](previous) : edit(1)
}

function isOurs(kind: EffectBody['kind']): kind is GithubKind {
  return Object.hasOwn(COSTS, kind)
}

/** New the first time, then edited in place. */
function written(previous: EffectResult | undefined): Cost {
  return previous?.id === undefined ? content(2) : edit(1)
}

function content(requests: number): Cost {
  return { contentMinute: 1, contentHour: 1, points: 4 + requests, requests }
}

function edit(requests: number): Cost {
  return { points: 4 + requests, requests }
}
