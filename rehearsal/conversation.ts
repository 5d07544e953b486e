import { z } from 'zod'
import type { ServerChild } from './child.ts'
import { plainOf } from './jira/adf.ts'
import type { JiraComment, Ticket } from './jira/world.ts'
import type { TaskView } from './observe.ts'
import type { Stage } from './stage.ts'
import { wordsIn } from './slack/words.ts'
import type { SlackMessage } from './slack/world.ts'
import type { Team } from './team.ts'

const Events = z.object({
  items: z.array(z.object({ type: z.string(), actor: z.string().nullish(), data: z.looseObject({}).optional() })),
})

/**
 * What people can see of a conversation over several channels, and who decided what in it: by the places themselves and by
 * the task's history.
 */
export async function lookAtConversation(
  { team, world }: Stage,
  server: ServerChild,
  task: TaskView,
  story: string,
): Promise<Readonly<Record<string, boolean>>> {
  if (!team) return {}
  const { items } = Events.parse(await server.get(`/tasks/${task.id}/events?limit=500`))
  const by = (type: string, who: string) =>
    items.some((one) => one.type === type && one.actor?.endsWith(`:${who}`) === true)
  const approvals = items.filter(({ type }) => type === 'gate.approved')
  const ticket = team.jira.world.tickets.at(-1)
  const thread = threadOf(team)
  const shared = {
    planApproved: approvals[0]?.actor?.endsWith(':alice') === true,
    deployApprovedByBob: approvals.at(-1)?.actor?.endsWith(':bob') === true,
    refusedOwnDeploy: approvals.length === 2,
    ticketDone: ticket?.status.category === 'done',
    ticketLinks: new Set(ticket?.links.map(({ relationship }) => relationship)).size === 2,
    nothingTwice: twice(team).length === 0,
  }
  if (story === 'jira')
    return {
      ...shared,
      answeredByAlice: by('gate.answered', 'alice'),
      oneCard: cardsOn(team, ticket).length === 1,
      reportInPlace: commentsOn(team, ticket).some(({ body }) => plainOf(body).includes('healthy')),
    }
  const issue = world.issues.find((one) => one.number === task.state.origin.number)
  return {
    ...shared,
    answeredByBob:
      by('gate.answered', 'bob') && (ticket?.comments.some(({ author }) => author === team.inJira('bob')) ?? false),
    linkedBack: issue?.body.includes(`${team.slack.url}/archives/`) === true,
    oneCard:
      thread.filter(({ blocks, edits }) => edits > 0 && wordsIn(blocks).startsWith('Muster: ')).length === 1 &&
      cardsOn(team, ticket).length === 1,
    reportInPlace: thread.some(({ blocks }) => wordsIn(blocks).includes('healthy')),
  }
}

/** What Muster wrote in the thread in which the fix was asked for. */
function threadOf({ slack: { world }, channel }: Team): SlackMessage[] {
  const root = world.messages.findLast((one) => !one.byApp && one.thread === undefined)
  return root ? world.thread(channel, root.ts).filter((one) => one.byApp) : []
}

function commentsOn({ jira: { world } }: Team, ticket: Ticket | undefined): JiraComment[] {
  return (ticket?.comments ?? []).filter(({ author }) => author === world.bot)
}

function cardsOn(team: Team, ticket: Ticket | undefined): JiraComment[] {
  const isCard = ({ body }: JiraComment) => plainOf(body).startsWith('Muster: ')
  return commentsOn(team, ticket).filter((one) => isCard(one) && one.updated > one.created)
}

/** Whatever stands somewhere twice, by Muster's own markers. */
function twice({ slack, jira }: Team): string[] {
  const markers = [
    ...slack.world.messages.map(({ metadata }) => metadata),
    ...jira.world.tickets.flatMap(({ comments }) => comments.map(({ properties }) => properties)),
  ].flatMap((one) => /muster:[\w.:-]+/.exec(JSON.stringify(one ?? ''))?.[0] ?? [])
  return markers.filter((marker, index) => markers.indexOf(marker) !== index)
}
