import type { ServerChild } from '../../rehearsal/child.ts'
import { type Asked, DESIGN, type Reply, roleOf, SPEC } from './model.ts'
import type { Town } from './town.ts'

export const CHANNELS = ['github', 'slack', 'jira', 'clickup'] as const

/** Every gate that there is in each workflow, and what people say to it. */
export const GATES = [
  { gate: 'question', workflow: 'change', say: '@muster answer the first one' },
  { gate: 'question', workflow: 'question', say: '@muster answer the first one' },
  { gate: 'plan', workflow: 'change', say: '@muster approve' },
  { gate: 'deploy', workflow: 'change', say: '@muster approve' },
  { gate: 'deploy', workflow: 'deploy', say: '@muster approve' },
  { gate: 'budget', workflow: 'change', say: '@muster continue +$1000' },
  { gate: 'budget', workflow: 'question', say: '@muster continue +$1000' },
  { gate: 'baseline', workflow: 'change', say: '@muster continue' },
] as const

/** A task at a gate (or where else it stands), by the channel that it was asked for in. */
export interface Cell {
  readonly name: string
  readonly channel: (typeof CHANNELS)[number]
  readonly gate: string
  readonly workflow: string
  /** What its place is called there: an issue's number, a message, a ticket. */
  readonly place: string
}

/** What else a task may be found at, when a process ends. */
export const ELSEWHERE = ['running', 'parked', 'failed', 'handed', 'reviewed', 'released', 'cancelled'] as const

export interface TaskFound {
  readonly id: string
  readonly status: string
  readonly state: {
    readonly origin: { readonly number: number }
    readonly gate?: { readonly kind: string }
    readonly outcome?: string
    readonly steps: readonly {
      readonly id: string
      readonly status: string
      readonly parked?: object
      readonly turns: number
    }[]
    readonly pullRequest?: { readonly number: number; readonly draft: boolean }
    readonly review: { readonly pending: readonly unknown[]; readonly ledger: readonly { readonly outcome: string }[] }
    readonly releases: readonly { readonly report?: { readonly verdict: string } }[]
  }
}

/** The people of all channels, who ask for work and decide about it. */
export function cellsOf({ stage, slack, jira, clickup }: Town, server: ServerChild) {
  const post = async (path: string, body: object) => {
    const answer = await fetch(`${server.url}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  }

  return {
    async linkAlice() {
      const { id, login } = stage.world.person('alice')
      const link = { name: 'alice', githubId: id, login }
      const site = new URL(jira.server.url).host
      await post('/people', { channel: 'slack', account: slack.server.world.team.id, member: slack.alice.id, ...link })
      await post('/people', { channel: 'jira', account: site, member: jira.alice.accountId, ...link })
      const { team } = clickup.server.world
      await post('/people', { channel: 'clickup', account: team.id, member: String(clickup.alice.id), ...link })
    },

    /** Asks for work in a place of its own. @param words what is said there; without them it is what is asked for */
    async ask(channel: Cell['channel'], gate: string, workflow: string, words = ''): Promise<Cell> {
      const name = `cell-${channel}-${gate}-${workflow}`
      const cell = (place: string | number): Cell => ({ name, channel, gate, workflow, place: String(place) })
      switch (channel) {
        case 'github': {
          const { number } = await stage.people.openIssue('alice', name, `About ${name}.`)
          await (words ? stage.people.comment('alice', number, words) : stage.people.label('alice', number, 'muster'))
          return cell(number)
        }
        case 'slack': {
          const first = await slack.server.people.say(
            slack.alice,
            slack.channel,
            words ? name : `@muster build ${name}`,
          )
          if (words) await slack.server.people.say(slack.alice, slack.channel, words, first.ts)
          return cell(first.ts)
        }
        case 'jira': {
          const ticket = await jira.server.people.create(jira.alice, name, `About ${name}.`)
          const { people, world } = jira.server
          await (words ? people.comment(jira.alice, ticket, words) : people.assign(jira.alice, ticket, world.bot))
          return cell(ticket.key)
        }
        case 'clickup': {
          const { people } = clickup.server
          const ticket = await people.create(clickup.alice, name, `About ${name}.`)
          await (words ? people.comment(clickup.alice, ticket, words) : people.tag(clickup.alice, ticket, 'muster'))
          return cell(ticket.id)
        }
      }
    },

    /** Alice says something in the place of a task. */
    async say({ channel, place }: Cell, words: string): Promise<void> {
      switch (channel) {
        case 'github':
          return void (await stage.people.comment('alice', Number(place), words))
        case 'slack':
          return void (await slack.server.people.say(slack.alice, slack.channel, words, place))
        case 'jira': {
          const ticket = jira.server.world.ticket(place)
          if (!ticket) throw new Error(`no ticket ${place}`)
          return void (await jira.server.people.comment(jira.alice, ticket, words))
        }
        case 'clickup': {
          const ticket = clickup.server.world.ticket(place)
          if (!ticket) throw new Error(`no ticket ${place}`)
          return void (await clickup.server.people.comment(clickup.alice, ticket, words))
        }
      }
    },

    async find({ channel, place }: Cell): Promise<TaskFound | undefined> {
      const { items } = (await server.get('/tasks?limit=200')) as { items: { id: string }[] }
      for (const { id } of items) {
        const task = (await server.get(`/tasks/${id}`)) as TaskFound
        const isIt =
          channel === 'github'
            ? task.state.origin.number === Number(place) && !('surface' in task.state.origin)
            : JSON.stringify(task.state).includes(`"${place}"`)
        if (isIt) return task
      }
      return undefined
    },
  }
}

/** A model that brings each cell to where it is to stand, and from there on. @param goesOn it holds nothing up any more */
export function cellModel(goesOn: () => boolean) {
  return (asked: Asked): Reply => {
    const [, channel, gate, workflow] = /cell-([a-z]+)-([a-z]+)-([a-z]+)/.exec(asked.texts.join('\n')) ?? []
    const name = `cell-${channel}-${gate}-${workflow}`
    const role = roleOf(asked)
    if (!goesOn()) {
      if (gate === 'running' && role === 'pm')
        return asked.turn === 1 ? { tools: [{ name: 'list', input: {} }] } : { delayMs: 3_600_000 }
      if (gate === 'parked') return { status: 529 }
      if (gate === 'failed')
        return { status: 400, body: { type: 'error', error: { type: 'invalid_request_error', message: 'no' } } }
      if (gate === 'budget' && role === 'pm') return { tools: [{ name: 'list', input: {} }], outputTokens: 20_000_000 }
    }
    switch (role) {
      case 'pm': {
        const asks = gate === 'question' && !asked.texts.join('\n').includes('the first one')
        const spec = { ...SPEC, title: `Add ${name}`, ...(workflow === 'question' ? { kind: 'question' } : {}) }
        return { tools: [{ name: 'finish', input: asks ? { ...spec, questions: ['Which one?'] } : spec }] }
      }
      case 'sa':
        return asked.tools.includes('finish') && workflow === 'question'
          ? { tools: [{ name: 'finish', input: { answer: `It is ${name}.`, references: [] } }] }
          : { tools: [{ name: 'finish', input: { ...DESIGN, files: [{ path: `src/${name}.ts`, why: 'new' }] } }] }
      case 'sd':
        return written(name, gate === 'handed', asked)
      case 'qa':
        return {
          tools: [
            {
              name: 'finish',
              input: { criteria: [{ number: 1, met: 'yes', evidence: 'the test' }], review: [], remarks: '' },
            },
          ],
        }
    }
  }
}

function written(name: string, nothing: boolean, asked: Asked): Reply {
  const ids = [...asked.texts.join('\n').matchAll(/Comment (\d+)/g)].map(([, id]) => Number(id))
  const finish = { title: `Add ${name}`, summary: 'Added.', notDone: nothing ? 'There is nothing to do.' : '' }
  if (nothing || asked.turn > 1)
    return {
      tools: [
        { name: 'finish', input: { ...finish, answers: ids.map((id) => ({ id, outcome: 'fixed', reply: 'Done.' })) } },
      ],
    }
  const round = ids.length > 0 ? 2 : 1
  const test = `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { value } from '../src/${name}.ts'

test('${name}', () => assert.equal(value, ${round}))
`
  return {
    tools: [
      { name: 'write', input: { path: `src/${name}.ts`, content: `export const value = ${round}\n` } },
      { name: 'write', input: { path: `test/${name}.test.ts`, content: test } },
    ],
  }
}
