import type { EffectBody, EffectResult } from '../../core/effects.ts'
import type { Cost } from '../../core/rate.ts'

/**
 * What an effect takes of an installation's limits (limits.md: a GET 1 point, a write 5; comments, reviews and pull requests
 * also count as content). Small lists that it may read first are in it.
 */
export function costOf(body: EffectBody, previous: EffectResult | undefined): Cost {
  switch (body.kind) {
    case 'status.upsert':
    case 'comment.upsert':
      return previous?.id === undefined ? content(2) : edit(1)
    case 'comment':
    case 'review.reply':
    case 'pr.open':
    case 'issue.open':
      return content(2)
    case 'check.upsert':
      return edit(3)
    case 'pr.ready':
      return edit(2)
    case 'git.push':
      return { points: 2, requests: 2 }
    default:
      return edit(1)
  }
}

function content(requests: number): Cost {
  return { contentMinute: 1, contentHour: 1, points: 4 + requests, requests }
}

function edit(requests: number): Cost {
  return { points: 4 + requests, requests }
}
