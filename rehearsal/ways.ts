import type { Which } from './observe.ts'
import type { Stage } from './stage.ts'
import { signIn, type Team } from './team.ts'
import { ISSUE } from './texts.ts'
import type { Ticket } from './jira/world.ts'
import type { SlackMessage } from './slack/world.ts'

/** Where the people of a story talk with Muster. What they want is the same everywhere. */
export interface Way {
  /** Alice asks for what is on main to go live. */
  firstRelease(): Promise<Talk>
  /** Alice asks for the bug to be fixed. */
  fix(): Promise<Talk>
}

/** One conversation with Muster. */
export interface Talk {
  readonly task: Which
  answer(text: string): Promise<unknown>
  approve(who: 'alice' | 'bob', what: 'plan' | 'deploy'): Promise<unknown>
  deploy(): Promise<unknown>
}

const PATIENCE_MS = 60_000

/** Everything on GitHub: a labelled issue, comments. */
export function onGithub({ people }: Stage): Way {
  const talk = (number: number): Talk => ({
    task: number,
    answer: (text) => people.comment('alice', number, text),
    approve: (who) => people.comment(who, number, '@muster approve'),
    deploy: () => people.comment('alice', number, '@muster deploy production'),
  })
  return {
    async firstRelease() {
      const issue = await people.openIssue(
        'alice',
        'Put the price service into production',
        '@muster deploy production',
      )
      return talk(issue.number)
    },
    async fix() {
      const issue = await people.openIssue('alice', ISSUE.title, ISSUE.body)
      await people.label('alice', issue.number, 'muster')
      return talk(issue.number)
    },
  }
}

/** Asked and approved in Slack, answered in Jira. Alice and bob sign in once; Jira knows them by their verified address. */
export function inSlack({ team, repo }: Stage): Way {
  const { slack, jira, channel, inSlack: who, inJira } = teamOf(team)
  const name = `${repo.owner.login}/${repo.name}`
  const buttonOn = (thread: string, label: string) => () =>
    slack.world
      .thread(channel, thread)
      .findLast((one) => one.byApp && one.edits === 0 && JSON.stringify(one.blocks).includes(`"${label}"`))
  const talk = (nth: number, { ts }: SlackMessage, ticket: Ticket | undefined): Talk => ({
    task: { nth },
    answer: (text) =>
      // Alice was asked: bob says that this is the answer.
      ticket
        ? jira.people.comment(inJira('bob'), ticket, `@muster answer ${text}`)
        : slack.people.say(who('alice'), channel, text, ts),
    async approve(person, what) {
      const label = what === 'plan' ? 'Approve plan' : 'Approve deploy'
      await slack.people.press(who(person), await waited(buttonOn(ts, label), `"${label}"`), label)
    },
    deploy: () => slack.people.say(who('alice'), channel, '@muster deploy production', ts),
  })
  return {
    async firstRelease() {
      // Nobody is known yet: what alice asks for goes on once she has signed in; what bob decides does not.
      const said = async (login: string, words: string, thread?: string) => {
        const before = slack.world.whispers.length
        const message = await slack.people.say(who(login), channel, words, thread)
        await signIn(await waited(() => linkIn(slack.world.whispers.slice(before)), 'a way to sign in'), login)
        return message
      }
      const asked = await said('alice', `@muster deploy production ${name}`)
      await waited(() => slack.world.thread(channel, asked.ts).find(({ byApp }) => byApp), 'the status card')
      await said('bob', '@muster approve', asked.ts)
      return talk(1, asked, undefined)
    },
    async fix() {
      const ticket = await jira.people.create(inJira('bob'), ISSUE.title, ISSUE.body.replaceAll('```', '').trim())
      const words = `@muster fix ${ticket.key}: orders of 10 to 49 bolts are charged the 5-piece price, in ${name}`
      return talk(2, await slack.people.say(who('alice'), channel, words), ticket)
    },
  }
}

/** Everything but the review in Jira: assigned, answered, approved and deployed from the ticket. */
export function inJira({ team }: Stage): Way {
  const { jira, inJira: who } = teamOf(team)
  const { people, world } = jira
  const talk = (nth: number, ticket: Ticket): Talk => ({
    task: { nth },
    answer: (text) => people.comment(who('alice'), ticket, text),
    approve: (person) => people.comment(who(person), ticket, '@muster approve'),
    deploy: () => people.comment(who('alice'), ticket, '@muster deploy production'),
  })
  return {
    async firstRelease() {
      const ticket = await people.create(who('alice'), 'Put the price service into production', '')
      const { comments } = ticket
      // Nobody is known yet: what alice asks for goes on once she has signed in; what bob decides does not.
      for (const [login, words] of [
        ['alice', '@muster deploy production'],
        ['bob', '@muster approve'],
      ] as const) {
        const before = comments.length
        await people.comment(who(login), ticket, words)
        await signIn(await waited(() => linkIn(comments.slice(before)), 'a way to sign in'), login)
      }
      return talk(1, ticket)
    },
    async fix() {
      const ticket = await people.create(who('alice'), ISSUE.title, ISSUE.body.replaceAll('```', '').trim())
      await people.assign(who('alice'), ticket, world.bot)
      return talk(2, ticket)
    },
  }
}

function teamOf(team: Team | undefined): Team {
  if (!team) throw new Error('this story wants a Slack and a Jira')
  return team
}

function linkIn(shown: readonly unknown[]): string | undefined {
  return /https?:\/\/[^"\s]+\/link\/[\w-]{32}/.exec(JSON.stringify(shown))?.[0]
}

/** Waits as a person would. @throws Error naming what never came */
async function waited<T>(look: () => T | undefined, what: string): Promise<T> {
  const until = Date.now() + PATIENCE_MS
  for (;;) {
    const found = look()
    if (found !== undefined) return found
    if (Date.now() > until) throw new Error(`${what} never came`)
    await new Promise((done) => setTimeout(done, 100))
  }
}
