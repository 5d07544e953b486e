import type { EffectResult, SurfaceBody, TicketState } from '../../core/effects.ts'
import { asking, type JiraClient } from './client.ts'

/** Jira's three categories of states, which are the same on every site and in every language. */
const CATEGORY = { todo: 'new', progress: 'indeterminate', done: 'done' } as const satisfies Record<TicketState, string>

/**
 * Moves a ticket into a state of the category, by one of the transitions that its own workflow offers now; one without a form
 * to fill in comes first. Where there is none, the ticket stays where it is: a workflow that forbids it is the team's wish.
 */
export async function move(
  client: JiraClient,
  issueIdOrKey: string,
  to: TicketState,
  mayLeave: () => void,
): Promise<EffectResult> {
  const category = CATEGORY[to]
  const { fields } = await asking(() => client.issues.getIssue({ issueIdOrKey, fields: ['status'] }))
  if (categoryOf(fields?.['status']) === category) return {}
  const { transitions = [] } = await asking(() => client.issues.getTransitions({ issueIdOrKey }))
  const fitting = transitions.filter((one) => one.to?.statusCategory?.key === category && one.isAvailable !== false)
  const id = (fitting.find((one) => one.hasScreen !== true) ?? fitting[0])?.id
  if (id === undefined) return {}
  mayLeave()
  await asking(() => client.issues.doTransition({ issueIdOrKey, transition: { id } }))
  return { ref: id }
}

function categoryOf(status: unknown): unknown {
  const category: unknown =
    typeof status === 'object' && status !== null ? Reflect.get(status, 'statusCategory') : undefined
  return typeof category === 'object' && category !== null ? Reflect.get(category, 'key') : undefined
}

/** A remote link. Its global id is its address: the same again changes it. */
export async function linkOn(
  client: JiraClient,
  issueIdOrKey: string,
  { what, url, title, done }: Extract<SurfaceBody, { kind: 'ticket.link' }>,
  mayLeave: () => void,
): Promise<EffectResult> {
  mayLeave()
  const { id } = await asking(() =>
    client.issueRemoteLinks.createOrUpdateRemoteIssueLink({
      issueIdOrKey,
      globalId: `muster=${url}`,
      relationship: what === 'pull_request' ? 'pull request' : 'deployment',
      application: { type: 'muster', name: 'Muster' },
      object: { url, title, status: { resolved: done } },
    }),
  )
  return { id }
}
