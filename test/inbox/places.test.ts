import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Heard } from '../../src/core/heard.ts'
import { surfaceKey, type Surface, type Ticket } from '../../src/core/said.ts'
import { closing } from '../../src/inbox/closed.ts'
import { namedIssue, namedTickets, placeAt } from '../../src/inbox/places.ts'
import type { InboxDeps, Scene } from '../../src/inbox/scene.ts'
import { embedded, type TestDatabase } from '../support/databases.ts'
import { inboxIn, jiraTicket, thread } from '../support/inbox.ts'
import { alice, opened, origin } from '../support/tasks.ts'

const shop = origin.repository
const till = { ...shop, id: 10, name: 'till' }
const tillTicket: Surface = { channel: 'jira', site: 's1', ticket: '200', name: 'TILL-1' }
const ticketOf = (projects: readonly string[]): Ticket => ({
  title: 't',
  body: '',
  projects,
  labels: [],
  url: '',
  author: undefined,
})

let db: TestDatabase
beforeAll(async () => {
  db = await embedded()
})
afterAll(() => db.drop())

/** Jira has SHOP-1, whose project is set to acme/shop, and TILL-1, which is set to another; Slack has a thread. */
function inbox(issues: Partial<Awaited<ReturnType<InboxDeps['platform']['findIssue']>>> = {}, down = false): InboxDeps {
  const named = (name: string): Surface | undefined =>
    name === 'SHOP-1' ? jiraTicket : name === 'TILL-1' ? tillTicket : undefined
  const deps = inboxIn({
    store: db.storage.store,
    repositories: [shop, till],
    writers: [alice],
    facts: {
      ticket: async (surface) => ticketOf([surface.channel === 'jira' ? (surface.name.split('-')[0] ?? '') : 'x']),
      surfaceNamed: async (name) => named(name),
      surfaceAt: async ({ pathname }) => {
        if (down) throw new Error('Jira is out of reach')
        return pathname.startsWith('/archives') ? thread : named(pathname.replace('/browse/', ''))
      },
    },
    mapped: (_channel, [project]) =>
      project === 'SHOP' ? { owner: 'Acme', name: 'Shop' } : project === 'TILL' ? { ...till } : undefined,
  })
  const subject = { number: 5, isPullRequest: false, title: '', body: '', author: alice, url: 'https://github.test/x' }
  const findIssue = async (_owner: string, name: string) =>
    name === 'gone' ? undefined : { repository: name === 'till' ? till : shop, subject, isOpen: false, ...issues }
  return {
    ...deps,
    githubUrl: 'https://github.test',
    log: () => {},
    platform: { ...deps.platform, findIssue, canWrite: (...of) => deps.platform.canWrite(...of) },
  }
}

describe('the tickets that a request names', () => {
  const namesIn = async (text: string, deps = inbox()) => (await namedTickets(deps, text, shop)).map(surfaceKey)

  it('are those of projects that are set to the same repository, by key or address, each once', async () => {
    const text = 'SHOP-1, https://acme.atlassian.net/browse/SHOP-1, TILL-1, SHA-256, SHOP-99'
    expect(await namesIn(text)).toEqual([surfaceKey(jiraTicket)])
    expect(await namesIn('see https://acme.atlassian.net/browse/TILL-1')).toEqual([])
  })

  it('are no threads and no issues: those are linked by people', async () => {
    expect(await namesIn('https://acme.slack.com/archives/C1/p1 https://github.test/acme/shop/issues/5')).toEqual([])
  })

  it('are left out where their service does not answer: the work does not wait', async () => {
    expect(await namesIn('https://acme.atlassian.net/browse/SHOP-1', inbox({}, true))).toEqual([])
  })

  it('are none that other work is, or was, held at', async () => {
    const { store } = db.storage
    const conversationId = await store.conversations.at(surfaceKey(jiraTicket))
    const { task, events } = opened({ id: 'held', conversationId })
    await store.tasks.commit({ task, events, basedOn: 0, effects: [], at: 1000, actor: 'test', reason: 'test' })
    expect(await namesIn('SHOP-1')).toEqual([])
  })
})

describe('the issue that a request made elsewhere names', () => {
  it('is one of its repository, and no pull request', async () => {
    const url = 'https://github.test/acme/shop/issues/5'
    expect(await namedIssue(inbox(), `see ${url}`, shop)).toMatchObject({ number: 5 })
    expect(await namedIssue(inbox(), 'see https://github.test/acme/till/issues/5', shop)).toBeUndefined()
    expect(await namedIssue(inbox(), 'see https://github.test/acme/gone/issues/5', shop)).toBeUndefined()
    const subject = { number: 5, isPullRequest: true, title: '', body: '', author: alice, url }
    expect(await namedIssue(inbox({ subject }), `see ${url}`, shop)).toBeUndefined()
  })

  it('leads nowhere from an address of somewhere else', async () => {
    expect(await placeAt(inbox(), new URL('https://github.test.evil/acme/shop/issues/5'))).toBeUndefined()
  })
})

describe('a closed issue', () => {
  const close = { type: 'issue.closed', by: alice, mayEnd: false } as const
  const sceneOf = (isBot: boolean): Scene => {
    const heard = { repository: shop, sender: { ...alice, isBot } } as unknown as Heard
    return { heard, task: opened().task } as unknown as Scene
  }
  const asked = (deps: InboxDeps, isBot = false, allowance: Awaited<ReturnType<InboxDeps['mayAsk']>> = 'yes') =>
    closing({ ...deps, mayAsk: async () => allowance }, sceneOf(isBot), close)

  it('ends the work where somebody who may write closed it; a bot’s closing does not', async () => {
    expect(await asked(inbox())).toMatchObject({ type: 'issue.closed', mayEnd: true })
    expect(await asked(inbox(), true)).toMatchObject({ type: 'issue.closed', mayEnd: false })
  })

  it('is nothing where it is open again, and where somebody closes more than anybody does', async () => {
    expect(await asked(inbox({ isOpen: true }))).toMatchObject({ outcome: 'ignored', reason: 'open_again' })
    expect(await asked(inbox(), false, 'no')).not.toHaveProperty('type')
  })
})
