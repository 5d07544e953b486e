import { describe, expect, it } from 'vitest'
import { doraOf } from '../../../src/core/environments/dora.ts'
import { doraReply } from '../../../src/core/reply/environment.ts'
import type { EnvironmentEvent } from '../../../src/core/environments/types.ts'
import { renderMarkdown } from '../../../src/channels/github/render.ts'

const HOUR = 3_600_000
const by = { id: 1, login: 'alice' }

/** A history, an event after the other, at hours. */
function history() {
  const events: { event: EnvironmentEvent; at: Date }[] = []
  const add = (hour: number, event: EnvironmentEvent) => void events.push({ event, at: new Date(hour * HOUR) })
  const who = (task: string) => ({ task, release: 1, nth: 1 })
  return {
    events,
    /** @param committed hours at which its changes were committed */
    live(
      task: string,
      hour: number,
      committed: readonly number[] = [],
      more: { goesBack?: true } = {},
      leaves?: string,
    ) {
      const asked = { ...who(task), conversationId: 'c', sha: task, by, watchSeconds: 60, ...more }
      add(hour, {
        type: 'turn.asked',
        turn: { ...asked, committed: committed.map((one) => ({ sha: `c${one}`, at: one * HOUR })) },
      })
      add(hour, { type: 'turn.given', ...who(task) })
      add(hour, { type: 'turn.live', ...who(task), ...(leaves ? { leaves } : {}) })
    },
    over: (task: string, hour: number, verdict: 'healthy' | 'regressed' | 'not enough evidence') =>
      add(hour, { type: 'turn.over', ...who(task), verdict }),
    back: (task: string, hour: number, more: { isUnsure?: true } = {}) =>
      add(hour, { type: 'release.taken_back', ...who(task), sha: task, tree: undefined, to: 'x', ...more }),
  }
}

describe('the figures of an environment', () => {
  it('count deploys, not what was gone back to, and the time of each change', () => {
    const h = history()
    h.live('a', 10, [4, 8])
    h.over('a', 11, 'healthy')
    h.live('b', 20, [17])
    h.over('b', 21, 'not enough evidence')
    h.live('a2', 30, [4], { goesBack: true })
    expect(doraOf(h.events, 0, 100 * HOUR)).toMatchObject({
      deployments: 2,
      changes: 3,
      leadMs: 3 * HOUR,
      judged: 2,
      failed: 0,
      restoreMs: undefined,
    })
  })

  it('count what got worse or was taken back, and how long until it was good again', () => {
    const h = history()
    h.live('a', 1)
    h.over('a', 2, 'regressed')
    h.back('a', 2)
    h.live('b', 3)
    h.over('b', 4, 'regressed')
    h.live('c', 10)
    h.over('c', 11, 'healthy')
    // As a precaution, and somebody's word before any verdict.
    h.live('d', 20)
    h.over('d', 21, 'not enough evidence')
    h.back('d', 21, { isUnsure: true })
    h.live('e', 30)
    h.over('e', 33, 'regressed')
    h.back('e', 33)
    expect(doraOf(h.events, 0, 100 * HOUR)).toMatchObject({ deployments: 5, judged: 5, failed: 3, restoreMs: 3 * HOUR })
  })

  it('count what people went back from after its watch, and each change once', () => {
    const h = history()
    h.live('a', 10, [4])
    h.over('a', 11, 'healthy')
    // Planned while the first was not live yet, it had that change as well.
    h.live('b', 12, [4, 9])
    h.over('b', 13, 'healthy')
    h.live('a2', 15, [], { goesBack: true }, 'b')
    expect(doraOf(h.events, 0, 100 * HOUR)).toMatchObject({
      deployments: 2,
      changes: 2,
      leadMs: 4.5 * HOUR,
      failed: 1,
      restoreMs: 3 * HOUR,
    })
  })

  it('are of what went live in their span', () => {
    const h = history()
    h.live('a', 1)
    h.live('b', 5)
    h.over('b', 50, 'regressed')
    expect(doraOf(h.events, 2 * HOUR, 5 * HOUR)).toMatchObject({ deployments: 0 })
    expect(doraOf(h.events, 2 * HOUR, 6 * HOUR)).toMatchObject({ deployments: 1, failed: 1, restoreMs: undefined })
    expect(doraOf([], 0, HOUR)).toMatchObject({ deployments: 0, leadMs: undefined, judged: 0 })
  })

  it('stand in a sentence, where there are any', () => {
    const week = 7 * 24 * HOUR
    const figures = { from: 0, to: 4 * week, changes: 3, leadMs: 2 * HOUR, judged: 5, restoreMs: 60_000 }
    const said = renderMarkdown(doraReply({ ...figures, deployments: 6, failed: 1 }), { redact: (text) => text })
    expect(said).toBe(
      'The last 4 weeks: 6 deploys (1.5 a week), from commit to live 2 h 0 min, 1 of 5 got worse, good again after 1 min (medians).',
    )
    expect(doraReply({ ...figures, deployments: 0, failed: 0 })).toEqual([])
  })
})
