import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { surfaceKey, type Said, type SaidWhat, type Surface, type Ticket } from '../../src/core/said.ts'
import { fromElsewhere } from '../../src/inbox/elsewhere.ts'
import { NOBODY } from '../../src/inbox/writers.ts'
import { embedded, type TestDatabase } from '../support/databases.ts'
import { inboxIn, jiraTicket, member, saidIn, thread, words, type World } from '../support/inbox.ts'
import { alice, origin } from '../support/tasks.ts'

const shop = origin.repository
const other = { ...shop, id: 10, name: 'till' }
const ticket: Ticket = {
  title: 'Totals are wrong',
  body: 'See acme/till.',
  projects: ['SHOP'],
  labels: [],
  url: 'https://acme.atlassian.net/browse/SHOP-1',
  author: member('CAROL', { channel: 'jira', account: 's1' }),
}

let db: TestDatabase
beforeAll(async () => {
  db = await embedded()
  await db.storage.store.people.link(member('U1'), alice, 'signed in', 'alice')
})
afterAll(() => db.drop())

function hear(what: SaidWhat, world: Omit<World, 'store'> = {}, extra: Partial<Said> = {}) {
  const facts = { ticket: async () => undefined, ...world.facts }
  const deps = inboxIn({ store: db.storage.store, repositories: [shop, other], ...world, facts })
  return fromElsewhere(deps, saidIn(what, extra))
}
const called = (text: string): SaidWhat => words(text, { mentioned: true })
const onTicket = { surface: jiraTicket, by: member('U1', { channel: 'jira', account: 's1' }) }

describe('which repository it is about', () => {
  it('is the one that the words name; the name is no part of the request', async () => {
    const found = await hear(called('build acme/till: sort the totals'))
    expect(found).toMatchObject({ ok: true, heard: { repository: { name: 'till' }, sender: { login: 'alice' } } })
    expect(JSON.stringify(found)).not.toContain('build acme/till: sort')
  })

  it('is asked for where the words name two, none of several, or one that is not Muster’s', async () => {
    for (const text of ['build acme/till like acme/shop', 'build it', 'build acme/nowhere'])
      expect(await hear(called(text))).toEqual({ ok: false, ask: 'repository' })
  })

  it('is the only one where there is but one, for the team; somebody from another workspace is told nothing of it', async () => {
    const one = { repositories: [shop] }
    expect(await hear(called('build it'), one)).toMatchObject({ ok: true, heard: { repository: { name: 'shop' } } })
    const stranger = { by: member('U9', { isStranger: true }) }
    expect(await hear(called('build it'), one, stranger)).toEqual({ ok: false, ask: 'repository' })
  })

  it('is the one its project is set to before the one that a ticket’s text names', async () => {
    const what: SaidWhat = { type: 'assigned', ticket }
    const mapped: World['mapped'] = (channel, projects) =>
      channel === 'jira' && projects.includes('SHOP') ? { owner: 'acme', name: 'shop' } : undefined
    expect(await hear(what, { mapped }, onTicket)).toMatchObject({ ok: true, heard: { repository: { name: 'shop' } } })
    expect(await hear(what, {}, onTicket)).toMatchObject({ ok: true, heard: { repository: { name: 'till' } } })
    const silent: SaidWhat = { type: 'assigned', ticket: { ...ticket, body: '' } }
    expect(await hear(silent, {}, onTicket)).toEqual({ ok: false, ask: 'repository' })
  })
})

describe('whose words they are', () => {
  it('are their author’s: a ticket that somebody hands over was written by another, who is nobody here', async () => {
    const found = await hear({ type: 'assigned', ticket }, {}, onTicket)
    expect(found.ok && 'subject' in found.heard.what && found.heard.what.subject.author).toEqual(NOBODY)
  })

  it('are nobody’s where no account is linked', async () => {
    const found = await hear(called('build acme/shop: it'), {}, { by: member('U7') })
    expect(found.ok && found.heard.sender).toEqual({ ...NOBODY, isBot: false })
  })
})

describe('what is not for Muster', () => {
  it('is left alone: bots, talk, a mention within a sentence, other labels', async () => {
    const reason = async (...args: Parameters<typeof hear>) => {
      const found = await hear(...args)
      return 'decision' in found ? found.decision.reason : JSON.stringify(found)
    }
    expect(await reason(called('build'), {}, { by: member('B1', { isBot: true }) })).toBe('bot_sender')
    expect(await reason(words('lunch?'))).toBe('no_trigger')
    expect(await reason({ type: 'shared', urls: [], messageId: '1' })).toBe('not_for_us')
    const labels = (...names: string[]): SaidWhat => ({ type: 'labelled', labels: names, ticket })
    expect(await reason(labels('urgent'), {}, onTicket)).toBe('not_for_us')
    expect(await hear(labels('urgent', 'Muster'), {}, onTicket)).toMatchObject({ ok: true })
  })

  it('is a press that carries what no button of Muster’s carries', async () => {
    const press = (action: string, value: string) => hear({ type: 'button', action, value, messageId: '1' })
    expect(await press('approve', 'DROP TABLE')).toMatchObject({ ok: false })
    for (const action of ['reject', 'cancel', 'retry'])
      expect(await press(action, 'abcdef1')).toEqual({ ok: false, late: undefined })
    expect(await press('continue', '5 some-task 1')).toEqual({ ok: false, late: undefined })
    expect(await press('continue', 'a lot')).toMatchObject({ ok: false, decision: { reason: 'not_for_us' } })
    expect(await press('approve', 'abcdef1')).not.toMatchObject({ ok: true })
    expect(await press('delete', 'abcdef1')).toMatchObject({ ok: false, decision: { reason: 'not_for_us' } })
  })
})

describe('a repository that is chosen for an earlier request', () => {
  let count = 0
  /** Somebody asked; then somebody chooses. */
  async function chosen(by: string, where: Surface = thread, repository = 'acme/till') {
    const { store } = db.storage
    const asked = saidIn(called('build: sort the totals'))
    const lane = surfaceKey(asked.surface)
    const body = Buffer.from('{}')
    const { id } = await store.inbox.insert({ source: 'slack', deliveryId: `c${++count}`, kind: 'm', body, lane })
    const readers = { slack: async () => asked }
    return hear({ type: 'chosen', repository, event: id }, { readers }, { by: member(by), surface: where })
  }

  it('is heard again with it, as a command by its author', async () => {
    const found = await chosen('U1')
    expect(found).toMatchObject({ ok: true, heard: { repository: { name: 'till' } } })
    expect(found.ok && 'handed' in found.heard.what).toBe(false)
  })

  it('is words that were handed over where somebody else chooses', async () => {
    const found = await chosen('U2')
    expect(found).toMatchObject({ ok: true, heard: { what: { handed: true } } })
  })

  it('is nothing for a request of another thread, an unknown one, or a name that is none', async () => {
    const elsewhere: Surface = { channel: 'slack', team: 'T1', room: 'C1', thread: '9.9' }
    expect(await chosen('U1', elsewhere)).toMatchObject({ ok: false, decision: { reason: 'not_for_us' } })
    expect(await chosen('U1', thread, 'acme/till; build')).toMatchObject({ ok: false })
    const unknown: SaidWhat = { type: 'chosen', repository: 'acme/till', event: 'none' }
    expect(await hear(unknown)).toMatchObject({ ok: false, decision: { reason: 'not_for_us' } })
  })
})

it('asks what is meant of a status in a chat with no work in it, and answers on a ticket', async () => {
  expect(await hear(called('status'))).toEqual({ ok: false, ask: 'page' })
  const text = words('@muster status', { ticket: { ...ticket, body: '' } })
  expect(await hear(text, {}, onTicket)).toMatchObject({ ok: false, alone: { verb: 'status' } })
})

it('is called by the name that the repository’s settings give it', async () => {
  expect(await hear(words('@robo build acme/shop: it'), { mention: 'robo' })).toMatchObject({ ok: true })
  expect(await hear(words('@robo build acme/shop: it'))).toMatchObject({ ok: false })
})
