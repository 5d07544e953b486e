import { expect, it } from 'vitest'
import { defaultRepositorySettings } from '../../src/config/repository.ts'
import { githubKey, type Heard } from '../../src/core/heard.ts'
import type { Decision } from '../../src/core/deciding/commands.ts'
import { hear } from '../../src/inbox/hear.ts'
import type { InboxDeps } from '../../src/inbox/scene.ts'
import type { StoredInbound } from '../../src/store/types.ts'
import { alice, origin } from '../support/tasks.ts'

it('decides an event that reads shorter than when its first commands were carried out', async () => {
  const decided: Decision[] = []
  const deps = {
    store: {
      conversations: { find: async () => 'c1' },
      tasks: { latest: async () => undefined },
      inbox: { decide: async (_id: string, decision: Decision) => void decided.push(decision) },
    },
    platform: { self: async () => ({ id: 99, slug: 'muster' }) },
    settings: { load: async () => ({ ok: true, settings: defaultRepositorySettings() }) },
  } as unknown as InboxDeps
  const stored = {
    event: { id: 'e1', receivedAt: new Date() },
    parts: [{ outcome: 'accepted', reason: 'cost', detail: '' }],
  } as unknown as StoredInbound
  const subject = { number: 5, isPullRequest: false, title: 't', body: 'b', author: alice, url: '' }
  const heard: Heard = {
    kind: 'issue_comment.created',
    repository: origin.repository,
    sender: { ...alice, isBot: false },
    key: githubKey(origin.repository.id, 5),
    writtenAt: 1,
    // It was called robo when this was first read.
    what: { type: 'text', text: '@robo cost\n@robo status', commentId: 1, subject },
  }
  await hear(deps, stored, heard, { table: 'lease', name: 'x', token: '1' })
  expect(decided).toEqual([{ outcome: 'accepted', reason: 'cost', detail: '' }])
})
