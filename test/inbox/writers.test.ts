import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SendError } from '../../src/channels/types.ts'
import { mayRead } from '../../src/inbox/authority.ts'
import { changedByTeam, mayWriteAs, personOf } from '../../src/inbox/writers.ts'
import { embedded, type TestDatabase } from '../support/databases.ts'
import { inboxIn, jiraTicket, member, type World } from '../support/inbox.ts'
import { alice, bob, origin } from '../support/tasks.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await embedded()
  const { people } = db.storage.store
  await people.link(member('ALICE'), alice, 'signed in', 'alice')
  await people.setEmails(bob, ['bob@acme.test'])
})
afterAll(() => db.drop())

const inbox = (world: Omit<World, 'store'> = {}) => inboxIn({ store: db.storage.store, ...world })
const { repository } = origin

describe('whose GitHub account somebody’s is', () => {
  it('is the one that they signed in with', async () => {
    expect(await personOf(inbox(), member('ALICE'))).toEqual(alice)
  })

  it('is nobody’s: from another workspace, without an id, or with the id of somebody in another workspace', async () => {
    expect(await personOf(inbox(), member('ALICE', { isStranger: true }))).toBeUndefined()
    expect(await personOf(inbox(), member(''))).toBeUndefined()
    expect(await personOf(inbox(), member('ALICE', { account: 'T2' }))).toBeUndefined()
    expect(await personOf(inbox(), member('ALICE', { channel: 'jira' }))).toBeUndefined()
  })

  it('is the one with the same verified address, where the channel tells it; from then on it is linked', async () => {
    const told = inbox({ facts: { emailOf: async ({ id }) => (id === 'BOB' ? 'Bob@acme.test' : undefined) } })
    expect(await personOf(told, member('CAROL'))).toBeUndefined()
    expect(await personOf(told, member('BOB'))).toEqual(bob)
    expect(await personOf(inbox(), member('BOB'))).toEqual(bob)
    expect(await db.storage.store.people.list()).toContainEqual(
      expect.objectContaining({ person: bob, how: 'verified e-mail' }),
    )
  })
})

describe('what people may do', () => {
  it('write: whose account may, asked at GitHub; nobody unknown', async () => {
    const deps = inbox({ writers: [alice] })
    expect(await mayWriteAs(deps, repository, member('ALICE'))).toBe(true)
    expect(await mayWriteAs(deps, repository, member('BOB'))).toBe(false)
    expect(await mayWriteAs(deps, repository, member('DAVE'))).toBe(false)
    expect(await mayWriteAs(deps, repository, undefined)).toBe(false)
  })

  it('read: full members alone', async () => {
    const deps = inbox({ facts: { isFullMember: async ({ id }) => id !== 'GUEST' } })
    expect(await mayRead(deps, member('DAVE'))).toBe(true)
    expect(await mayRead(deps, member('GUEST'))).toBe(false)
    expect(await mayRead(deps, member('DAVE', { isStranger: true }))).toBe(false)
    expect(await mayRead(deps, member(''))).toBe(false)
    expect(await mayRead(deps, member('DAVE', { channel: 'clickup' }))).toBe(false)
  })

  it('is nothing where the channel will never tell, and is asked again where it cannot tell now', async () => {
    const failing = (kind: 'fatal' | 'retry') =>
      inbox({ writers: [alice], facts: { emailOf: () => Promise.reject(new SendError(kind, 'no')) } })
    expect(await mayWriteAs(failing('fatal'), repository, member('DAVE'))).toBe(false)
    await expect(mayWriteAs(failing('retry'), repository, member('DAVE'))).rejects.toThrow('no')
  })
})

describe('whether a ticket’s words are the team’s', () => {
  const edited = (...ids: string[]) => ({ editors: async () => ids.map((id) => member(id)) })

  it('is so where everybody who changed them may write', async () => {
    const deps = inbox({ writers: [alice, bob], facts: edited('ALICE', 'BOB') })
    expect(await changedByTeam(deps, repository, jiraTicket, [])).toBe(true)
    expect(await changedByTeam(inbox({ facts: edited() }), repository, jiraTicket, [])).toBe(true)
  })

  it('is not so with one who may not, but for whoever hands it over', async () => {
    const deps = inbox({ writers: [alice], facts: edited('ALICE', 'BOB') })
    expect(await changedByTeam(deps, repository, jiraTicket, [])).toBe(false)
    expect(await changedByTeam(deps, repository, jiraTicket, [member('BOB')])).toBe(true)
  })

  it('is not so where the history is refused', async () => {
    const editors = () => Promise.reject(new SendError('fatal', 'no'))
    expect(await changedByTeam(inbox({ facts: { editors } }), repository, jiraTicket, [])).toBe(false)
  })
})
