import { findCommands } from '../../src/core/calls.ts'
import { requestOf, withoutRepository } from '../../src/core/request.ts'
import { decide } from '../../src/core/deciding/decide.ts'
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

describe('an issue that is closed', () => {
  const asked: Task = { ...opened().task, origin: { ...origin, askedAt: 1_000_000 } }
  const closed = (writtenAt: number, extra: Partial<Heard['sender']> = {}, number = origin.number): Heard => ({
    ...heard({ type: 'issue.closed' }, number, extra),
    writtenAt,
  })

  it('ends what was asked for before, and nothing that was asked for since', () => {
    expect(route(closed(1_000_001), asked, names)).toMatchObject({ to: 'task', command: { type: 'issue.closed' } })
    expect(route(closed(999_000), asked, names)).toMatchObject({ to: 'ignore', reason: 'stale' })
    expect(route(closed(1_000_001, {}, 77), asked, names)).toMatchObject({ to: 'ignore', reason: 'no_task' })
    expect(route(closed(1_000_001), undefined, names)).toMatchObject({ to: 'ignore', reason: 'no_task' })
  })

  it('counts though a bot closed it, unless that is Muster', () => {
    expect(route(closed(1_000_001, { isBot: true, id: 5 }), asked, names).to).toBe('task')
    expect(route(closed(1_000_001, { isBot: true, id: 99 }), asked, names)).toMatchObject({ reason: 'own_text' })
  })

  it('ends nothing that has a pull request: that is what is decided on, and its merge closes the issue', () => {
    expect(route(closed(1_000_001), task, names)).toMatchObject({ to: 'ignore', reason: 'pull_request_counts' })
    const { decision, events } = decide(task, { type: 'issue.closed', by: alice, mayEnd: true }, 1_000_000)
    expect([decision.reason, events]).toEqual(['pull_request_counts', []])
    expect(decide(asked, { type: 'issue.closed', by: alice, mayEnd: true }, 1_000_000).task.status).toBe('cancelled')
  })
})

describe('what was asked for in a chat', () => {
  const requestIn = (text: string) => requestOf(text, findCommands(text, ['muster'])[0])

  it.each([
    ['@muster build', ''],
    ['@muster build: the totals are wrong', 'the totals are wrong'],
    ['@muster plan the new totals', 'the new totals'],
    ['@muster ask how are totals rounded?', 'how are totals rounded?'],
    ['@muster fix the totals', 'fix the totals'],
    ['@muster plan-based prices are wrong', 'plan-based prices are wrong'],
    ['@muster build.gradle is broken', 'build.gradle is broken'],
    ['@muster link is broken in the footer', 'link is broken in the footer'],
    ["@muster plan's price is wrong", "plan's price is wrong"],
    ['@muster please build times are too long', 'please build times are too long'],
  ])('%s', (text, request) => {
    expect(requestIn(text)).toBe(request)
  })

  it('is left as it is where somebody handed it over', () => {
    expect(requestOf('@muster Ask @bob: a < b', undefined)).toBe('Ask @bob: a < b')
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
