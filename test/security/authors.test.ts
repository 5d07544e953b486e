import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { normalise } from '../../src/channels/github/normalise.ts'
import type { Heard } from '../../src/core/heard.ts'

/**
 * Who wrote, who sent, what counts (security.md 31, 50, 59): a webhook's words are its author's, and count only where the sender
 * wrote them just now. One line for each event of GitHub's own examples of which anything is made; nothing is made of the rest.
 */
const WHAT_COUNTS = {
  'issues.opened': 'words',
  'issue_comment.created': 'words',
  'pull_request_review.submitted': 'words',
  'pull_request_review_comment.created': 'words',
  'issues.labeled': 'act',
  'issues.assigned': 'act',
  'check_run.requested_action': 'act',
  'check_run.rerequested': 'act',
  'check_run.completed': 'fact',
  'pull_request.labeled': 'act',
  'pull_request.closed': 'fact',
  'pull_request.synchronize': 'fact',
  'status.reported': 'fact',
} as const

const MALLORY = { id: 666, login: 'mallory', type: 'User' }
const MOVER = { id: 777, login: 'maintainer', type: 'User' }
const INSTALLED = { installation: { id: 7 } }

interface Example {
  readonly name: string
  readonly event: string
  readonly payload: Record<string, unknown>
}

const require = createRequire(import.meta.url)
const all = require('@octokit/webhooks-examples/api.github.com/index.json') as {
  name: string
  examples: Record<string, unknown>[]
}[]
const examples: Example[] = all.flatMap(({ name, examples: some }) =>
  some.map((payload, index) => ({
    name: `${name}.${JSON.stringify(payload['action'])} (${index})`,
    event: name,
    payload: { ...payload, ...INSTALLED },
  })),
)

const read = (event: string, payload: unknown) => normalise(event, Buffer.from(JSON.stringify(payload)), '1')
const isHeard = (read: ReturnType<typeof normalise>): read is Heard => !('ignored' in read)
/** Where the words of an event stand in its payload. */
const PLACE = {
  issues: 'issue',
  issue_comment: 'comment',
  pull_request_review: 'review',
  pull_request_review_comment: 'comment',
} as const

function written(event: string, payload: Record<string, unknown>, change: object): Record<string, unknown> {
  const place = PLACE[event as keyof typeof PLACE]
  return { ...payload, [place]: { ...(payload[place] as object), ...change } }
}

describe('every event of the examples', () => {
  it('is one of those that count, or nothing comes of it', () => {
    expect(examples.length).toBeGreaterThan(250)
    const seen = new Set<string>()
    for (const { name, event, payload } of examples) {
      const found = read(event, payload)
      if (!isHeard(found)) continue
      expect(Object.keys(WHAT_COUNTS), name).toContain(found.kind)
      seen.add(found.kind)
      // An act is its sender's, whatever the payload names besides.
      expect(found.sender.id, name).toBe((payload['sender'] as { id: number }).id)
    }
    expect(seen.size).toBeGreaterThan(5)
  })

  const spoken = examples.filter(
    ({ event, payload }) =>
      event in PLACE &&
      isHeard(read(event, payload)) &&
      WHAT_COUNTS[`${event}.${String(payload['action'])}` as keyof typeof WHAT_COUNTS] === 'words',
  )

  it('lends nobody the authority of whoever moves, converts, pins or imports', () => {
    expect(spoken.length).toBeGreaterThan(3)
    for (const { name, event, payload } of spoken) {
      for (const [author, sender] of [
        [MALLORY, MOVER],
        [MOVER, MALLORY],
        [null, MOVER],
      ])
        expect(read(event, { ...written(event, payload, { user: author }), sender }), name).toMatchObject({
          ignored: 'not_author',
        })
      const own = read(event, { ...written(event, payload, { user: MOVER }), sender: MOVER })
      expect(own, name).toMatchObject({ sender: { id: MOVER.id } })
    }
  })

  it('hears nothing that was written long before, or elsewhere', () => {
    const of = (event: string) => spoken.find((one) => one.event === event)?.payload ?? {}
    const old = { user: MOVER, created_at: '2020-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z' }
    for (const event of ['issues', 'issue_comment', 'pull_request_review_comment'])
      expect(read(event, { ...written(event, of(event), old), sender: MOVER }), event).toMatchObject({
        ignored: 'not_author',
      })
    const moved = {
      ...written('issues', of('issues'), { user: MOVER }),
      sender: MOVER,
      changes: { old_issue: {}, old_repository: {} },
    }
    expect(read('issues', moved)).toMatchObject({ ignored: 'not_author' })
  })

  it('hears the words of an event at its opening only', () => {
    for (const { name, event, payload } of spoken)
      for (const action of [
        'edited',
        'transferred',
        'pinned',
        'unpinned',
        'reopened',
        'milestoned',
        'typed',
        'deleted',
        'converted',
      ])
        expect(isHeard(read(event, { ...payload, action })), `${name} as ${action}`).toBe(false)
  })
})
