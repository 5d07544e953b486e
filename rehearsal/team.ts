import type { World } from './github/world.ts'
import { type RehearsalJira, startJira } from './jira/server.ts'
import { type JiraUser, JiraWorld } from './jira/world.ts'
import { type RehearsalSlack, startSlack } from './slack/server.ts'
import { type SlackUser, SlackWorld } from './slack/world.ts'

/** Where the team of the stories talks and plans: a Slack workspace and a Jira site. */
export interface Team {
  readonly slack: RehearsalSlack
  readonly jira: RehearsalJira
  readonly channel: string
  readonly inSlack: (name: string) => SlackUser
  readonly inJira: (name: string) => JiraUser
  /** The server's settings. */
  readonly env: Readonly<Record<string, string>>
  /** Where the server listens. */
  listen(url: string): void
  close(): Promise<void>
}

/** Opens both for alice, bob and carol. What is seen there stands in GitHub's record too, for whoever watches. */
export async function openTeam(github: World): Promise<Team> {
  const [slackWorld, jiraWorld] = [new SlackWorld(), new JiraWorld()]
  for (const name of ['alice', 'bob', 'carol']) {
    slackWorld.addUser(name)
    jiraWorld.addUser(name)
  }
  const channel = slackWorld.addChannel('price-service')
  const [slack, jira] = [await startSlack(slackWorld), await startJira(jiraWorld)]
  const seen = (where: string) => (who: string, what: string, place: string, text: string) =>
    github.note(github.accounts.get(who) ?? github.bot, what, `${place} (${where})`, text)
  slackWorld.onSeen = seen('Slack')
  jiraWorld.onSeen = seen('Jira')
  return {
    slack,
    jira,
    channel,
    inSlack: (name) => must(slackWorld.users.find((one) => one.name === name)),
    inJira: (name) => must(jiraWorld.users.find((one) => one.displayName.toLowerCase() === name)),
    env: {
      SLACK_BOT_TOKEN: slackWorld.botToken,
      SLACK_SIGNING_SECRET: slackWorld.signingSecret,
      SLACK_API_URL: `${slack.url}/api`,
      JIRA_HOST: jira.url,
      JIRA_EMAIL: jiraWorld.bot.emailAddress,
      JIRA_API_TOKEN: jiraWorld.token,
      JIRA_WEBHOOK_SECRET: jiraWorld.secret,
      JIRA_PROJECTS: 'SHOP=acme/price-service',
      JIRA_TRUST_EMAIL: 'yes',
    },
    listen(url) {
      slackWorld.eventsUrl = `${url}/api/slack/events`
      jiraWorld.hooksUrl = `${url}/api/jira/webhooks`
    },
    async close() {
      await slack.close()
      await jira.close()
    },
  }
}

function must<T>(one: T | undefined): T {
  if (one === undefined) throw new Error('nobody of that name')
  return one
}

/** What somebody does with the link that Muster gave them: looks at the page, and signs in with GitHub. */
export async function signIn(address: string, login: string): Promise<void> {
  const page = await fetch(address)
  if (!page.ok) throw new Error(`the link does not work: ${page.status}`)
  const begun = await fetch(`${address}/github`, { method: 'POST', redirect: 'manual' })
  const cookie = begun.headers.get('set-cookie')?.split(';')[0] ?? ''
  const signed = await fetch(`${begun.headers.get('location')}&login=${login}`, { redirect: 'manual' })
  const done = await fetch(signed.headers.get('location') ?? '', { headers: { cookie } })
  if (!done.ok) throw new Error(`the sign-in did not work: ${done.status}`)
}
