import { withoutRepository } from '../../src/core/request.ts'
import { describe, expect, it } from 'vitest'
import { githubKey, type Heard } from '../../src/core/heard.ts'
import { route } from '../../src/core/routing.ts'
import type { Task } from '../../src/core/task/types.ts'
import { alice, opened, origin } from '../support/tasks.ts'

const names = { mentions: ['muster'], label: 'muster', botId: 99, environments: [] }
const task: Task = { ...opened().task, pullRequest: { number: 6, nodeId: 'n', url: 'u', draft: false } }
const heard = (what: Heard['what'], number: number, extra: Partial<Heard['sender']> = {}): Heard => ({
  kind: 'x',
  repository: origin.repository,
  sender: { ...alice, isBot: false, ...extra },
  key: githubKey(origin.repository.id, number),
  writtenAt: 1,
  what,
})

describe('where an event leads', () => {
  it('what happens to the pull request of an earlier task is history', () => {
    for (const what of [{ type: 'merged', sha: 'x' }, { type: 'closed' }, { type: 'pushed', headSha: 'x' }] as const) {
      expect(route(heard(what, 6), task, names).to).toBe('task')
      expect(route(heard(what, 4), task, names)).toMatchObject({ to: 'ignore', reason: 'no_task' })
    }
  })

  it('a merge counts though a bot did it, a command does not', () => {
    expect(route(heard({ type: 'merged', sha: 'x' }, 6, { isBot: true, id: 5 }), task, names).to).toBe('task')
    expect(route(heard({ type: 'button', action: 'retry' }, 6, { isBot: true, id: 5 }), task, names)).toMatchObject({
      to: 'ignore',
      reason: 'bot_sender',
    })
    expect(route(heard({ type: 'pushed', headSha: 'x' }, 6, { id: 99 }), task, names)).toMatchObject({
      to: 'ignore',
      reason: 'own_text',
    })
  })
})

describe('one action that the platform tells twice', () => {
  const over: Task = { ...task, status: 'done', origin: { ...task.origin, askedAt: 1_000_000 } }
  const subject = { number: 4, isPullRequest: false, title: 't', body: '@muster build', author: alice, url: '' }
  const twins: Heard['what'][] = [
    { type: 'text', text: '@muster build', commentId: undefined, subject },
    { type: 'label', label: 'muster', subject },
  ]
  const at = (what: Heard['what'], writtenAt: number): Heard => ({ ...heard(what, 4), writtenAt })

  it('begins no second task, however late the other half arrives', () => {
    for (const what of twins)
      for (const writtenAt of [999_000, 1_000_000, 1_001_500])
        expect(route(at(what, writtenAt), over, names)).toMatchObject({ to: 'ignore', reason: 'same_request' })
  })

  it('is no excuse to overlook who asks again', () => {
    for (const what of twins) {
      expect(route(at(what, 1_010_000), over, names).to).toBe('open')
      // Times of another platform, or none, tell nothing.
      expect(route(at(what, Number.NaN), over, names).to).toBe('open')
      // In Slack the repository may be chosen long after the message was written: what counts is the moment of that.
      const slack = { channel: 'slack', team: 'T', room: 'C', thread: '1' } as const
      const elsewhere = { surface: slack } as Heard['elsewhere']
      const there = { ...over, origin: { ...over.origin, surface: slack } }
      expect(route({ ...at(what, 999_000), elsewhere }, there, names).to).toBe('open')
      const inSlack = {
        ...over,
        origin: { ...over.origin, surface: { channel: 'slack', team: 'T', room: 'C', thread: '1' } as const },
      }
      expect(route(at(what, 999_000), inSlack, names).to).toBe('open')
      expect(route(at(what, 999_000), { ...over, origin: task.origin }, names).to).toBe('open')
    }
  })
})

describe('the repository that a request names', () => {
  it.each([
    ['@muster deploy production in acme/web', '@muster deploy production'],
    ['@muster deploy production acme/web', '@muster deploy production'],
    ['@muster fix the rounding in quotes, in acme/web.', '@muster fix the rounding in quotes.'],
    ['@muster fix https://github.com/acme/web/issues/3', '@muster fix https://github.com/acme/web/issues/3'],
    ['@muster deploy staging feature/login', '@muster deploy staging feature/login'],
    ['@muster fix src/cart.ts in acme/web', '@muster fix src/cart.ts'],
  ])('is not part of the command: %s', (text, expected) => {
    expect(withoutRepository(text, { owner: 'acme', name: 'web' })).toBe(expected)
  })
})
