import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { renderMarkdown } from '../../src/channels/github/render.ts'
import { findCommands } from '../../src/core/calls.ts'
import type { Heard } from '../../src/core/heard.ts'
import type { Wanted } from '../../src/core/environments/types.ts'
import type { Person } from '../../src/core/task/types.ts'
import { changeEnvironment } from '../../src/inbox/environments.ts'
import { ONLY, type InboxDeps, type Scene } from '../../src/inbox/scene.ts'
import type { Arrival } from '../../src/core/inbound.ts'
import { createEnvironments } from '../../src/workflow/environments.ts'
import { embedded, type TestDatabase } from '../support/databases.ts'
import { inboxIn } from '../support/inbox.ts'
import { alice, bob, origin, settings } from '../support/tasks.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await embedded()
})
afterAll(() => db.drop())

const { repository } = origin
const sleep = () => Promise.resolve()
const environments = () =>
  createEnvironments({ store: db.storage.store, now: Date.now, sleep, random: Math.random, kick: () => {} })
let nth = 0

/** Somebody says something about an environment. @returns what is answered, and what was decided */
async function say(by: Person, text: string): Promise<{ answer: string; decision: string | undefined }> {
  const { store } = db.storage
  const [command] = findCommands(`@muster ${text}`, ['muster'], ['production'])
  if (command?.verb !== 'lock' && command?.verb !== 'unlock')
    throw new Error(`${text} is ${command?.verb ?? 'nothing'}`)
  const arrival = { source: 'github', deliveryId: `d${nth++}`, kind: 'issue_comment', body: Buffer.from('{}') }
  const { id: eventId } = await store.inbox.insert(arrival as unknown as Arrival)
  const conversationId = `c${nth}`
  const deps: InboxDeps = {
    ...inboxIn({ store, writers: [alice, bob] }),
    store,
    settings: { load: async () => ({ ok: true, settings }) },
    environments: environments(),
  }
  const heard = { key: `github:9#${nth}`, repository, sender: { ...by, isBot: false }, kind: 'issue_comment' }
  const scene: Partial<Scene> = { eventId, heard: heard as unknown as Heard, conversationId, part: ONLY }
  await changeEnvironment(deps, scene as Scene, command, {
    channel: 'github',
    url: 'u',
  })
  const { effects } = await store.effects.lane(conversationId)
  const answer = effects.map(({ body }) =>
    body.kind === 'comment' ? renderMarkdown(body.document, { redact: (one) => one }) : '',
  )
  const { outcome, reason } = (await store.inbox.get(eventId))?.event.decision ?? {}
  return { answer: answer.join('\n'), decision: `${outcome ?? ''} ${reason ?? ''}` }
}

const wanted = (more: Partial<Wanted>): Wanted => ({
  task: 't1',
  release: 1,
  nth: 1,
  conversationId: 'c',
  sha: 'abcdef0123456789',
  by: alice,
  watchSeconds: 60,
  state: 'in',
  isLive: false,
  verdict: undefined,
  tree: 'tree',
  ...more,
})

describe('an environment, by command', () => {
  it('is locked and unlocked by whoever may write, once, and says what is so', async () => {
    expect(await say(bob, 'lock production stocktaking until monday')).toMatchObject({
      answer: expect.stringContaining('production is locked'),
      decision: 'accepted locked',
    })
    // Told again, as after a crash; and by somebody else.
    expect(await say(bob, 'lock production')).toMatchObject({ answer: expect.stringContaining('production is locked') })
    expect(await say(alice, 'lock production')).toMatchObject({
      answer: expect.stringMatching(/locked already, by bob/),
      decision: 'ignored locked_already',
    })
    const { answer } = await say(alice, 'lock production --info')
    expect(answer).toMatch(/Locked by bob .*stocktaking until monday/)
    expect(await say(alice, 'unlock production please')).toMatchObject({ decision: 'accepted unlocked' })
    expect(await say(alice, 'unlock production')).toMatchObject({ decision: 'ignored not_locked' })
  })

  it('that the settings do not have is named, with those that there are', async () => {
    const { answer, decision } = await say(alice, 'lock prod')
    expect(answer).toContain('there are: production')
    expect(decision).toBe('refused unknown_environment')
  })

  it('keeps its lock where a commit is meant, and cannot be read as one', async () => {
    await say(bob, 'lock production')
    for (const text of ['unlock production 012abc', 'unlock production commit abcdef0', 'unlock production it is fine'])
      expect(await say(alice, text)).toMatchObject({ decision: 'refused bad_argument' })
    expect((await environments().get({ repository, name: 'production' }))?.lock?.by).toEqual(bob)
    await say(bob, 'unlock production')
  })

  it('lets a commit go live again that was taken back, by the words that Muster itself used', async () => {
    const where = { repository, name: 'production' }
    const good = wanted({ task: 't0', sha: 'good', isLive: true })
    for (const one of [
      { ...good, isLive: false },
      { ...good, state: 'out', verdict: 'healthy' } as const,
      wanted({}),
      wanted({ isLive: true, state: 'out', verdict: 'regressed', takenBackTo: 'good' }),
    ])
      await environments().apply(where, { type: 'turn', wanted: one, freeze: [] })
    expect((await say(alice, 'lock production --info')).answer).toContain('kept out: abcdef0')
    expect(await say(alice, 'unlock production 1234567')).toMatchObject({ decision: 'refused not_quarantined' })
    expect(await say(alice, 'unlock production `abcdef0` please')).toMatchObject({ decision: 'accepted lifted' })
    expect((await environments().get(where))?.quarantine).toEqual([])
  })
})
