import { afterEach, expect, it, vi } from 'vitest'
import { adfHtml } from '../../rehearsal/jira/adf.ts'
import type { ClickupTicket } from '../../rehearsal/clickup/world.ts'
import type { Ticket } from '../../rehearsal/jira/world.ts'
import { type Asked, DESIGN, goodModel, type Reply, roleOf } from '../support/model.ts'
import { linkPerson } from '../support/people.ts'
import { type Scene, soon, startScene } from '../support/scene.ts'

vi.setConfig({ testTimeout: 360_000 })

let scene: Scene | undefined
afterEach(async () => {
  await scene?.stop()
  scene = undefined
})

async function withJira(options: { env?: Record<string, string>; settings?: (port: number) => string } = {}) {
  scene = await startScene({ jira: true, ...options })
  const one = scene
  const { jira, stage } = one
  if (!jira) throw new Error('no Jira')
  const { server, alice, bob } = jira
  const site = new URL(server.url).host
  const link = (user: { accountId: string }, login: string) => linkPerson(one, 'jira', site, user.accountId, login)
  const written = (ticket: Ticket) => ticket.comments.filter(({ author }) => author === server.world.bot)
  const text = (ticket: Ticket) =>
    written(ticket)
      .map(({ body }) => adfHtml(body))
      .join('\n')
  return { one, world: server.world, people: server.people, server, alice, bob, link, written, text, stage }
}

it('Jira: an assigned ticket becomes a proved pull request; one status comment, states by category, links to what came of it', async () => {
  const { one, world, people, alice, link, written, text, stage } = await withJira()
  await link(alice, 'alice')
  const ticket = await people.create(
    alice,
    'Large orders get the wrong tier',
    'Quantities from 10 on should get the second tier.',
  )
  await people.assign(alice, ticket, world.bot)
  await soon(async () => (await one.task()).state.pullRequest?.draft, 240_000).toBe(false)
  expect(stage.world.issues.filter((issue) => !issue.pull)).toEqual([])
  expect(ticket.status.name).toBe('Being built')
  await soon(() => text(ticket)).toContain('Please review and merge')
  const cards = written(ticket).filter(({ created, updated }) => updated > created)
  expect(cards).toHaveLength(1)
  expect(ticket.links.map(({ relationship }) => relationship)).toEqual(['pull request'])
  const pull = (await one.task()).state.pullRequest?.number ?? 0
  await stage.people.merge('bob', pull)
  await soon(() => ticket.status.name).toBe('Shipped')
  await soon(() => ticket.links[0]?.object.status?.resolved).toBe(true)
  expect(ticket.changes.filter(({ author }) => author === world.bot)).toHaveLength(2)
})

it('Jira: nobody known gets a way to sign in and nothing else; a ticket of no known project is asked about', async () => {
  const { one, people, alice, bob, world, link, text, stage } = await withJira({ env: { JIRA_PROJECTS: '' } })
  stage.world.repos.push({ ...stage.repo, id: 9002, name: 'web' })
  const ticket = await people.create(bob, 'Large orders get the wrong tier', '')
  await people.comment(bob, ticket, '@muster fix it acme/price-service')
  await soon(() => text(ticket)).toMatch(/@Bob[\s\S]*\/link\/[\w-]{32}/)
  await link(alice, 'alice')
  await people.assign(alice, ticket, world.bot)
  await soon(() => text(ticket)).toContain('Which repository is it about?')
  await people.comment(alice, ticket, '@muster build acme/price-service')
  await soon(async () => (await one.task()).state.pullRequest?.draft, 240_000).toBe(false)
  expect(stage.world.issues.filter((issue) => !issue.pull)).toEqual([])
})

it('Jira: the questions of the plan are answered by a plain comment, and a deleted ticket leaves its work on GitHub', async () => {
  const { one, world, people, alice, link, text, stage } = await withJira({ settings: () => 'approve_plan: always\n' })
  await link(alice, 'alice')
  const ticket = await people.create(alice, 'Large orders get the wrong tier', '@muster build', { labels: ['later'] })
  await soon(async () => (await one.task()).state.gate?.kind).toBe('plan')
  await soon(() => text(ticket)).toContain('approve')
  await people.remove(alice, ticket)
  await soon(() => stage.world.issues.length).toBe(1)
  const [issue] = stage.world.issues
  await soon(async () => (await one.task()).state.origin.number).toBe(issue?.number)
  await stage.people.comment('bob', issue?.number ?? 0, '@muster approve')
  await soon(async () => (await one.task()).state.pullRequest?.draft, 240_000).toBe(false)
  expect(world.tickets).toEqual([])
})

async function withClickup(settings?: (port: number) => string) {
  scene = await startScene({ clickup: true, ...(settings ? { settings } : {}) })
  const one = scene
  const { clickup, stage } = one
  if (!clickup) throw new Error('no ClickUp')
  const { server, alice, bob } = clickup
  const { world, people } = server
  const link = (user: { id: number }, login: string) =>
    linkPerson(one, 'clickup', world.team.id, String(user.id), login)
  const written = (ticket: ClickupTicket) => ticket.comments.filter(({ user }) => user === world.bot)
  const text = (ticket: ClickupTicket) =>
    written(ticket)
      .map((comment) => comment.comment.map((piece) => piece.text).join(''))
      .join('\n')
  return { one, world, people, server, alice, bob, link, written, text, stage }
}

it('ClickUp: a tagged task becomes a proved pull request; one status comment, states by type, the pull request in its field', async () => {
  const { one, people, alice, link, written, text, stage } = await withClickup()
  await link(alice, 'alice')
  const ticket = await people.create(
    alice,
    'Large orders get the wrong tier',
    'Quantities from 10 on should get the second tier.',
  )
  await people.tag(alice, ticket, 'Muster')
  await soon(async () => (await one.task()).state.pullRequest?.draft, 240_000).toBe(false)
  expect(ticket.status.status).toBe('in progress')
  await soon(() => text(ticket)).toContain('Please review and merge')
  expect(written(ticket).filter(({ edits }) => edits > 0)).toHaveLength(1)
  const pull = (await one.task()).state.pullRequest?.number ?? 0
  expect([...ticket.fields.values()]).toEqual([`${stage.world.url}/acme/price-service/pull/${pull}`])
  await stage.people.merge('bob', pull)
  await soon(() => ticket.status.status).toBe('shipped')
})

it('ClickUp: assigned and approved by a comment; a guest may not even ask', async () => {
  const { one, world, people, alice, bob, link, text, written } = await withClickup(() => 'approve_plan: always\n')
  const guest = world.addUser('gina', 4)
  await link(alice, 'alice')
  await link(bob, 'bob')
  const ticket = await people.create(alice, 'Large orders get the wrong tier', '')
  await people.comment(guest, ticket, '@muster ask what does it cost?')
  await soon(() => text(ticket)).toContain('@Gina')
  const before = written(ticket).length
  await people.assign(alice, ticket, world.bot)
  await soon(async () => (await one.task()).state.gate?.kind).toBe('plan')
  await people.comment(bob, ticket, '@muster approve')
  await soon(async () => (await one.task()).state.pullRequest?.draft, 240_000).toBe(false)
  expect(written(ticket).length).toBeGreaterThan(before)
})

it('ClickUp: asked to wait while it is asked about a task, nothing is asked before, and the request is not lost', async () => {
  const { one, people, server, alice, link } = await withClickup()
  await link(alice, 'alice')
  const ticket = await people.create(alice, 'Large orders get the wrong tier', '')
  const reads: number[] = []
  let refused = 0
  server.fault = (method, path) => {
    if (`${method} ${path}` !== 'GET /task/{task_id}') return undefined
    reads.push(Date.now())
    if (refused > 0) return undefined
    refused = Date.now()
    return 'limit'
  }
  await people.comment(alice, ticket, '@muster build')
  await soon(async () => (await one.task()).id).toMatch(/./)
  // Its answer says when: in two seconds, as whole seconds of the clock.
  const next = reads.find((at) => at > refused)
  expect(next).toBeGreaterThanOrEqual(Math.ceil((refused + 2000) / 1000) * 1000)
})

it('Jira: an approved plan with independent parts becomes sub-tasks, where the repository wants that', async () => {
  const parts = {
    ...DESIGN,
    slices: [
      { title: 'Sort the tiers', files: [] },
      { title: 'Show them in order', files: [] },
    ],
  }
  const model = (asked: Asked): Reply =>
    roleOf(asked) === 'sa' ? { tools: [{ name: 'finish', input: parts }] } : goodModel(asked)
  scene = await startScene({ jira: true, model, settings: () => 'approve_plan: always\ntickets: { subtasks: true }\n' })
  const { jira } = scene
  if (!jira) throw new Error('no Jira')
  const { world, people } = jira.server
  await linkPerson(scene, 'jira', new URL(jira.server.url).host, jira.alice.accountId, 'alice')
  const ticket = await people.create(jira.alice, 'Large orders get the wrong tier', '')
  await people.assign(jira.alice, ticket, world.bot)
  const one = scene
  await soon(async () => (await one.task()).state.gate?.kind).toBe('plan')
  expect(world.tickets).toHaveLength(1)
  await people.comment(jira.alice, ticket, '@muster approve')
  await soon(() => world.tickets.filter(({ parent }) => parent === ticket).map(({ summary }) => summary)).toEqual([
    'Sort the tiers',
    'Show them in order',
  ])
})

it('Jira: a ticket with a web link to an issue belongs to that issue, and the pull request closes it', async () => {
  const { one, world, people, alice, link, stage } = await withJira()
  await link(alice, 'alice')
  const issue = await stage.people.openIssue('alice', 'Large orders get the wrong tier', 'From 10 pieces on.')
  const ticket = await people.create(alice, 'Large orders', '')
  const url = `${stage.world.url}/acme/price-service/issues/${issue.number}`
  ticket.links.push({ id: 1, globalId: '', relationship: '', object: { url, title: 'The issue' } })
  await people.assign(alice, ticket, world.bot)
  await soon(async () => (await one.task()).state.pullRequest?.draft, 240_000).toBe(false)
  expect((await one.task()).state.origin.number).toBe(issue.number)
  const pull = stage.world.issues.find((found) => found.pull)
  await soon(() => pull?.body).toContain(`Closes #${issue.number}`)
  expect(pull?.body).toContain(ticket.key)
})

it('a place is linked by command, hears everything from then on, and nothing more once it is unlinked', async () => {
  const { one, people, alice, bob, link, text, stage } = await withJira({ settings: () => 'approve_plan: always\n' })
  await link(alice, 'alice')
  const issue = await stage.people.openIssue('alice', 'Large orders get the wrong tier', 'x')
  await stage.people.label('alice', issue.number, 'muster')
  await soon(async () => (await one.task()).state.gate?.kind).toBe('plan')
  const ticket = await people.create(alice, 'Large orders', '')
  // Bob is nobody on GitHub in Jira.
  await people.comment(bob, ticket, `@muster link ${stage.world.url}/acme/price-service/issues/${issue.number}`)
  await soon(() => text(ticket)).toMatch(/\/link\/[\w-]{32}/)
  expect(text(ticket)).not.toContain('Plan:')
  await people.comment(alice, ticket, `@muster link ${stage.world.url}/acme/price-service/issues/${issue.number}`)
  await soon(() => text(ticket)).toContain('Plan: Charge the right tier')
  await soon(() => ticket.status.name).toBe('Being built')
  await people.comment(alice, ticket, '@muster unlink')
  await soon(() => text(ticket)).toContain('Unlinked')
  const before = ticket.comments.length
  await people.comment(alice, ticket, '@muster approve')
  await soon(async () => (await one.events('&source=jira')).at(0)?.decision?.reason).not.toBe(undefined)
  expect((await one.task()).state.gate?.kind).toBe('plan')
  await stage.people.comment('alice', issue.number, '@muster approve')
  await soon(async () => (await one.task()).state.pullRequest?.draft, 240_000).toBe(false)
  expect(text(ticket)).not.toContain('Please review and merge')
  expect(ticket.comments.length).toBeLessThan(before + 4)
})
