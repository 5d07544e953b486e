import type { ClickupTicket } from '../../../rehearsal/clickup/world.ts'
import type { Ticket } from '../../../rehearsal/jira/world.ts'
import type { SlackMessage } from '../../../rehearsal/slack/world.ts'
import { adfHtml } from '../../../rehearsal/jira/adf.ts'
import { wordsIn } from '../../../rehearsal/slack/words.ts'
import {
  clickupStage,
  type ClickupStage,
  jiraStage,
  type JiraStage,
  slackStage,
  type SlackStage,
} from '../../support/channels.ts'
import { Field, type FieldOptions } from './field.ts'
import type { Managed } from './processes.ts'

export const CHANNELS = ['slack', 'jira', 'clickup'] as const
export type ChannelName = (typeof CHANNELS)[number]

/** A thread or ticket in which something was asked, and what Muster wrote there. */
export interface Asked {
  readonly name: string
  readonly channel: ChannelName
  /** Everything of Muster's, oldest first: its marker, its words, how often it was edited. */
  readonly written: () => readonly { readonly marker: string; readonly text: string; readonly edits: number }[]
}

/** Muster with the rehearsals of the three other channels, and alice in each of them. */
export class Hall {
  readonly field: Field
  readonly slack: SlackStage
  readonly jira: JiraStage
  readonly clickup: ClickupStage
  readonly asked: Asked[] = []

  private constructor(field: Field, slack: SlackStage, jira: JiraStage, clickup: ClickupStage) {
    this.field = field
    this.slack = slack
    this.jira = jira
    this.clickup = clickup
  }

  static async open(options: FieldOptions): Promise<Hall> {
    const [slack, jira, clickup] = [await slackStage(), await jiraStage(undefined), await clickupStage(undefined)]
    const env = { ...slack.env, ...jira.env, ...clickup.env, ...options.env }
    return new Hall(await Field.open({ release: false, ...options, env }), slack, jira, clickup)
  }

  /** Starts a server, and links alice in every channel. */
  async spawn(once: Readonly<Record<string, string>> = {}): Promise<Managed> {
    const server = await this.field.spawn('start', {}, {})
    const url = `http://127.0.0.1:${server.port}`
    for (const one of [this.slack, this.jira, this.clickup]) one.listen(url)
    const alice = this.field.stage.world.person('alice')
    const links = [
      ['slack', this.slack.server.world.team.id, this.slack.alice.id],
      ['jira', new URL(this.jira.server.url).host, this.jira.alice.accountId],
      ['clickup', this.clickup.server.world.team.id, String(this.clickup.alice.id)],
    ]
    for (const [channel, account, member] of links)
      await fetch(`${url}/api/v1/people`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ channel, account, member, name: 'alice', githubId: alice.id, login: alice.login }),
      })
    if (Object.keys(once).length === 0) return server
    // Only now it may die: who is who has been said.
    await server.stop()
    const dying = await this.field.process('start', { PORT: String(server.port), MUSTER_PUBLIC_URL: url })
    dying.spawn(once)
    await new Promise((done) => setTimeout(done, 1500))
    this.field.stage.world.app.webhookUrl = `${url}/api/github/webhooks`
    return dying
  }

  /** Asks for work in a channel. */
  async ask(channel: ChannelName, nth: number): Promise<Asked> {
    const asked =
      channel === 'slack'
        ? await this.#inSlack(nth)
        : channel === 'jira'
          ? await this.#inJira(nth)
          : await this.#inClickup(nth)
    this.asked.push(asked)
    return asked
  }

  async #inSlack(nth: number): Promise<Asked> {
    const { server, alice, channel } = this.slack
    const { ts } = await server.people.say(alice, channel, `@muster fix the total number ${nth} in acme/price-service`)
    const markerOf = ({ metadata }: SlackMessage) => /muster:[\w.:-]+/.exec(JSON.stringify(metadata ?? ''))?.[0] ?? ''
    return {
      name: `the thread ${nth}`,
      channel: 'slack',
      written: () =>
        server.world
          .thread(channel, ts)
          .filter(({ byApp }) => byApp)
          .map((one) => ({ marker: markerOf(one), text: wordsIn(one.blocks), edits: one.edits })),
    }
  }

  async #inJira(nth: number): Promise<Asked> {
    const { server, alice } = this.jira
    const ticket: Ticket = await server.people.create(alice, `Total number ${nth}`, '@muster build')
    return {
      name: ticket.key,
      channel: 'jira',
      written: () =>
        ticket.comments
          .filter(({ author }) => author === server.world.bot)
          .map(({ properties, body, created, updated }) => ({
            marker: /muster:[\w.:-]+/.exec(JSON.stringify(properties))?.[0] ?? '',
            text: adfHtml(body),
            edits: updated > created ? 1 : 0,
          })),
    }
  }

  async #inClickup(nth: number): Promise<Asked> {
    const { server, alice } = this.clickup
    const ticket: ClickupTicket = await server.people.create(alice, `Total number ${nth}`, '')
    await server.people.comment(alice, ticket, '@muster build')
    return {
      name: `the task ${ticket.id}`,
      channel: 'clickup',
      written: () =>
        ticket.comments
          .filter(({ user }) => user === server.world.bot)
          .map(({ comment, text, edits }) => ({
            marker: /#(muster:[\w.:-]+)/.exec(JSON.stringify(comment))?.[1] ?? '',
            text,
            edits,
          })),
    }
  }

  /** What is there twice, and what is missing, in every place where something was asked. */
  async audit(): Promise<string[]> {
    const problems: string[] = []
    for (const { name, written } of this.asked) {
      const all = written()
      const markers = all.map(({ marker }) => marker)
      const twice = markers.filter((one, index) => one !== '' && markers.indexOf(one) !== index)
      if (twice.length > 0) problems.push(`${name}: ${twice.length} written twice`)
      const cards = all.filter(({ text }) => text.includes('Muster: '))
      if (cards.length !== 1) problems.push(`${name}: ${cards.length} status cards`)
      if (cards[0] && !/Done/.test(cards[0].text))
        problems.push(`${name}: its card is old: ${cards[0].text.slice(0, 120)}`)
    }
    const tasks = await this.field.count('task')
    if (tasks !== this.asked.length) problems.push(`${tasks} tasks of ${this.asked.length} requests`)
    return problems
  }

  async close(): Promise<void> {
    await this.field.close()
    for (const { server } of [this.slack, this.jira, this.clickup]) await server.close()
  }
}
