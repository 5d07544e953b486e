import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SendError } from '../../src/channels/types.ts'
import type { EffectIntent } from '../../src/core/effects.ts'
import { Unavailable, UserError } from '../../src/core/errors.ts'
import type { Member, Said } from '../../src/core/said.ts'
import { isFinal, refusalText, sayRefused } from '../../src/inbox/refused.ts'
import type { Store, StoredInbound } from '../../src/store/types.ts'
import { embedded, type TestDatabase } from '../support/databases.ts'
import { inboxIn, member, saidIn, thread, words } from '../support/inbox.ts'

it('is final where it can never be done; trouble with Muster’s own token, and whatever passes, is waited for', () => {
  expect(isFinal(new UserError('nope', 'No.'))).toBe(true)
  expect(isFinal(new SendError('fatal', 'gone', { trouble: 'gone' }))).toBe(true)
  expect(isFinal(new SendError('fatal', 'token', { trouble: 'token' }))).toBe(false)
  expect(isFinal(new SendError('retry', 'later'))).toBe(false)
  expect(isFinal(new Unavailable('GitHub'))).toBe(false)
  expect(isFinal(new Error('a fault of our own'))).toBe(false)
})

it('is told in the words for people, without what only the operator can do, and without what happened inside', () => {
  expect(refusalText(new SendError('fatal', 'Slack will not have it'))).toBe('Slack will not have it.')
  expect(refusalText(new UserError('x', 'That is too long.', { hint: 'Set MUSTER_LONG.' }))).toBe('That is too long.')
  expect(refusalText(new Error('SELECT secret'))).not.toContain('SELECT')
})

describe('the word to whoever asked', () => {
  let db: TestDatabase
  beforeAll(async () => {
    db = await embedded()
  })
  afterAll(() => db.drop())

  let count = 0
  /** @returns what is sent for it */
  async function refused(said: Said, parts: StoredInbound['parts'] = []) {
    const { store } = db.storage
    const own: Said = { ...said, surface: { ...thread, thread: `${++count}.1` } as Said['surface'] }
    const body = Buffer.from('{}')
    const { id } = await store.inbox.insert({ source: 'slack', deliveryId: `d${count}`, kind: 'message', body })
    const stored = await store.inbox.get(id)
    if (!stored) throw new Error('it was stored a moment ago')
    const sent: EffectIntent[] = []
    const add: Store['effects']['add'] = async (_scope, _conversation, _task, intents) => void sent.push(...intents)
    const deps = inboxIn({
      store: { ...store, effects: { ...store.effects, add } },
      readers: { slack: async () => own },
    })
    await sayRefused(deps, { ...stored, parts }, 'it cannot be.')
    expect(sent.every(({ body: { kind } }) => kind === 'whisper')).toBe(true)
    return sent.map((one) => JSON.stringify(one.body))
  }

  it('goes to them alone, once they called Muster, pressed, or handed over', async () => {
    const texts = await refused(saidIn(words('fix it', { mentioned: true })))
    expect(texts).toHaveLength(1)
    expect(texts[0]).toContain('"U1"')
    expect(texts[0]).toContain('Nothing was done: it cannot be.')
    expect(await refused(saidIn(words('so, /muster build it')))).toHaveLength(1)
    expect(await refused(saidIn({ type: 'button', action: 'approve', value: 'x', messageId: '1' }))).toHaveLength(1)
    expect(await refused(saidIn({ type: 'assigned', ticket: undefined }))).toHaveLength(1)
  })

  it('says so where the first of several commands were carried out', async () => {
    const [text] = await refused(saidIn(words('@muster cost\n@muster build')), [
      { outcome: 'accepted', reason: 'cost', detail: '' },
    ])
    expect(text).toContain('The rest was not done')
  })

  it('is not said to who only talks, to nobody, nor about what was not understood', async () => {
    expect(await refused(saidIn(words('musters of geese fly by')))).toEqual([])
    expect(await refused(saidIn({ type: 'labelled', labels: ['x'], ticket: undefined }))).toEqual([])
    const nobody: Member = member('')
    expect(await refused(saidIn(words('fix', { mentioned: true }), { by: nobody }))).toEqual([])
  })
})
