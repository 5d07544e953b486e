import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { linkPerson } from '../support/people.ts'
import { type Asked, goodModel, type Reply, roleOf, SPEC } from '../support/model.ts'
import { type Scene, soon, startScene } from '../support/scene.ts'

vi.setConfig({ testTimeout: 480_000, hookTimeout: 240_000 })

/** The same conversation, begun, answered, approved and ended in whichever channels: what happens to the task is the same. */

const CHANNELS = ['github', 'slack', 'jira', 'clickup'] as const
type Name = (typeof CHANNELS)[number]

/** A place where this conversation is held, and what somebody does there. */
interface Place {
  readonly url: string
  readonly say: (words: string) => Promise<unknown>
  readonly approve: () => Promise<unknown>
  /** What stands there now, by Muster. */
  readonly shown: () => string
}

/** Four people take turns: one alone would soon be asked to slow down. */
const LOGINS = ['alice', 'bob', 'dave', 'erin'] as const
type Login = (typeof LOGINS)[number]

let scene: Scene
let nth = 0
beforeAll(async () => {
  scene = await startScene({ slack: true, jira: true, clickup: true, settings: () => 'approve_plan: always\n', model })
  const { slack, jira, clickup } = stages()
  for (const login of LOGINS) {
    const { world, repo } = scene.stage
    repo.people.set((world.accounts.get(login) ?? world.addAccount(login)).id, 'write')
    for (const { world: its } of [slack.server, jira.server, clickup.server])
      if (login === 'dave' || login === 'erin') its.addUser(login)
    await linkPerson(scene, 'slack', slack.server.world.team.id, inSlack(login).id, login)
    await linkPerson(scene, 'jira', new URL(jira.server.url).host, inJira(login).accountId, login)
    await linkPerson(scene, 'clickup', clickup.server.world.team.id, String(inClickup(login).id), login)
  }
})
afterAll(() => scene.stop())

function found<T>(one: T | undefined): T {
  if (!one) throw new Error('nobody')
  return one
}
const inSlack = (login: Login) => found(stages().slack.server.world.users.find(({ name }) => name === login))
const inJira = (login: Login) =>
  found(stages().jira.server.world.users.find(({ emailAddress }) => emailAddress.startsWith(login)))
const inClickup = (login: Login) =>
  found(stages().clickup.server.world.users.find(({ email }) => email.startsWith(login)))

/** Asks once, and never comes to an end with the code. */
function model(asked: Asked): Reply {
  const answered = asked.texts.join('').includes('The one of January')
  if (roleOf(asked) === 'pm' && !answered)
    return { tools: [{ name: 'finish', input: { ...SPEC, questions: ['Which price list counts?'] } }] }
  return roleOf(asked) === 'sd' ? { ...goodModel(asked), delayMs: 60_000 } : goodModel(asked)
}

function stages() {
  const { slack, jira, clickup } = scene
  if (!slack || !jira || !clickup) throw new Error('a channel is missing')
  return { slack, jira, clickup }
}

/** Somewhere in the channel, with nothing said to Muster yet; `start` says it. */
const PLACES: Readonly<Record<Name, (who: Login, start: boolean) => Promise<Place>>> = {
  async github(who, start) {
    const { people, world } = scene.stage
    const issue = await people.openIssue(who, 'Large orders get the wrong tier', '')
    if (start) await people.label(who, issue.number, 'muster')
    const say = (words: string) => people.comment(who, issue.number, words)
    const url = `${world.url}/acme/price-service/issues/${issue.number}`
    return { url, say, approve: () => say('@muster approve'), shown: () => onGithub(issue.number) }
  },
  async slack(who, start) {
    const { server, channel } = stages().slack
    const user = inSlack(who)
    const { world, people } = server
    const words = start ? '@muster fix the tier for large orders acme/price-service' : 'Has anybody seen the tiers?'
    const { ts } = await people.say(user, channel, words)
    return {
      url: `${world.url}/archives/${channel}/p${ts.replace('.', '')}`,
      say: (text) => people.say(user, channel, text, ts),
      async approve() {
        const plan = () =>
          world
            .thread(channel, ts)
            .find(({ blocks, edits }) => edits === 0 && JSON.stringify(blocks).includes('Approve plan'))
        await soon(() => plan() !== undefined).toBe(true)
        const message = plan()
        if (message) await people.press(user, message, 'Approve plan')
      },
      shown: () => JSON.stringify(world.thread(channel, ts).filter(({ user: by }) => by !== user.id)),
    }
  },
  async jira(who, start) {
    const { server } = stages().jira
    const user = inJira(who)
    const ticket = await server.people.create(user, 'Large orders get the wrong tier', '')
    if (start) await server.people.assign(user, ticket, server.world.bot)
    const say = (words: string) => server.people.comment(user, ticket, words)
    const shown = () => JSON.stringify(ticket.comments.filter(({ author }) => author === server.world.bot))
    return { url: `${server.url}/browse/${ticket.key}`, say, approve: () => say('@muster approve'), shown }
  },
  async clickup(who, start) {
    const { server } = stages().clickup
    const user = inClickup(who)
    const ticket = await server.people.create(user, 'Large orders get the wrong tier', '')
    if (start) await server.people.tag(user, ticket, 'muster')
    const say = (words: string) => server.people.comment(user, ticket, words)
    const shown = () =>
      ticket.comments
        .filter(({ user: by }) => by === server.world.bot)
        .map(({ text }) => text)
        .join('\n')
    return { url: `${server.url}/t/${ticket.id}`, say, approve: () => say('@muster approve'), shown }
  },
}

const onGithub = (number: number) =>
  scene.stage.world.comments
    .filter(({ issue, user }) => issue === number && user === scene.stage.world.bot)
    .map(({ body }) => body)
    .join('\n')

interface TaskRow {
  readonly id: string
  readonly status: string
}
const get = async <T>(path: string) => (await (await fetch(`${scene.url}/api/v1${path}`)).json()) as T
const tasks = async () => (await get<{ items: TaskRow[] }>('/tasks?limit=50')).items
const state = async (id: string) =>
  (
    await get<{ state: { gate?: { kind: string }; surfaces?: unknown[]; origin: { number: number; url: string } } }>(
      `/tasks/${id}`,
    )
  ).state

/** Every pair of channels in every pair of roles, in sixteen rows (an orthogonal array). */
const ROWS = CHANNELS.flatMap((_, a) =>
  CHANNELS.map((_other, b) => {
    const at = (index: number): Name => CHANNELS[index % 4] ?? 'github'
    return [at(a), at(b), at(a ^ b), at(times(2, a) ^ b)] as const
  }),
)

/** Multiplication in the field of four elements, which makes the rows differ as they should. */
function times(x: number, y: number): number {
  const table = [
    [0, 0, 0, 0],
    [0, 1, 2, 3],
    [0, 2, 3, 1],
    [0, 3, 1, 2],
  ]
  return table[x]?.[y] ?? 0
}

it('has a row for every pair of channels in any two roles', () => {
  for (const [one, other] of [
    [0, 1],
    [0, 2],
    [0, 3],
    [1, 2],
    [1, 3],
    [2, 3],
  ] as const)
    expect(new Set(ROWS.map((row) => `${row[one]} ${row[other]}`)).size).toBe(16)
})

let reference: string[] | undefined

it.each(ROWS)(
  'started in %s, answered in %s, approved in %s, cancelled in %s',
  async (start, answer, approve, cancel) => {
    const known = (await tasks()).length
    const who = LOGINS[nth % 4] ?? 'alice'
    const begun = await PLACES[start](who, true)
    await soon(async () => (await tasks()).length).toBe(known + 1)
    const [task] = await tasks()
    if (!task) throw new Error('no task')
    const { id } = task
    const places: Partial<Record<Name, Place>> = { [start]: begun }
    await soon(async () => (await state(id)).gate?.kind).toBe('question')
    for (const name of new Set([answer, approve, cancel])) places[name] ??= await joined(id, who, start, name, begun)
    await places[answer]?.say('The one of January.')
    await soon(async () => (await state(id)).gate?.kind).toBe('plan')
    for (const place of Object.values(places)) await decided(place, `Answered`, `by ${who} on`, NAMES[answer])
    await places[approve]?.approve()
    await soon(async () => (await state(id)).gate?.kind ?? 'none').toBe('none')
    await soon(async () => (await events(id)).at(-1)).toBe('step.started by muster:sd')
    await places[cancel]?.say('@muster cancel')
    await soon(async () => (await tasks()).find((one) => one.id === id)?.status).toBe('cancelled')
    for (const place of Object.values(places)) {
      await decided(place, `Approved`, `by ${who} on`, NAMES[approve])
      await soon(() => /Please (?:answer|look at the plan)|Approve plan/.exec(place.shown())).toBe(null)
    }
    const all = await events(id)
    reference ??= all
    expect(all).toEqual(reference)
    nth++
  },
)

it('has compared all of them', () => {
  expect(nth).toBe(16)
  expect(reference).toEqual(
    expect.arrayContaining([
      'task.opened by a person',
      'gate.answered by a person',
      'gate.approved by a person',
      'task.cancelled by a person',
    ]),
  )
})

const NAMES: Readonly<Record<Name, string>> = { github: 'GitHub', slack: 'Slack', jira: 'Jira', clickup: 'ClickUp' }

/** What was decided stands there: by whom, and from where. */
async function decided({ shown }: Place, what: string, by: string, where: string): Promise<void> {
  const plain = () => shown().replaceAll('**', '')
  await soon(() => [what, by, where].filter((word) => !plain().includes(word))).toEqual([])
}

/** A place in another channel, linked by command; a task begun in a chat has its issue already. */
async function joined(id: string, who: Login, start: Name, name: Name, begun: Place): Promise<Place> {
  if (name === 'github' && start === 'slack') {
    await soon(async () => (await state(id)).origin.number).toBeGreaterThan(0)
    const { number, url } = (await state(id)).origin
    const say = (words: string) => scene.stage.people.comment(who, number, words)
    return { url, say, approve: () => say('@muster approve'), shown: () => onGithub(number) }
  }
  const place = await PLACES[name](who, false)
  await begun.say(`@muster link ${place.url}`)
  const held = async () => JSON.stringify(await get<unknown>(`/tasks/${id}/events?limit=200`)).includes(place.url)
  await soon(held).toBe(true)
  return place
}

/** What happened and by whom, without where it was held: that is what differs. */
async function events(id: string): Promise<string[]> {
  const { items } = await get<{ items: { type: string; actor: string }[] }>(`/tasks/${id}/events?limit=200`)
  return items
    .filter(({ type }) => type !== 'issue.opened' && type !== 'surface.linked')
    .map(({ type, actor }) => `${type} by ${actor.replace(/^github:\d+:\w+$/, 'a person')}`)
}
