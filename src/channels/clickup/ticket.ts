import type { EffectResult, SurfaceBody, TicketState } from '../../core/effects.ts'
import type { ClickupClient } from './client.ts'

/** ClickUp's types of statuses, which every list has. */
const TYPES = { todo: ['open'], progress: ['custom'], done: ['closed', 'done'] } as const satisfies Record<
  TicketState,
  readonly string[]
>

/**
 * Moves a task into a status of the kind that its own list offers; of several under way, one that says so, else the first.
 * Where the list has none, the task stays where it is.
 */
export async function move(
  client: ClickupClient,
  task: string,
  to: TicketState,
  mayLeave: () => void,
): Promise<EffectResult> {
  const { status, list } = await client.task(task)
  const types: readonly string[] = TYPES[to]
  if (!list || types.includes(status?.type ?? '')) return {}
  const { statuses = [] } = await client.list(list.id)
  const fitting = statuses
    .filter(({ type }) => types.includes(type ?? ''))
    .toSorted(
      (a, b) => types.indexOf(a.type ?? '') - types.indexOf(b.type ?? '') || (a.orderindex ?? 0) - (b.orderindex ?? 0),
    )
  const chosen =
    (to === 'progress' ? fitting.find((one) => /progress|doing/i.test(one.status)) : undefined) ?? fitting[0]
  if (!chosen) return {}
  mayLeave()
  await client.setStatus(task, chosen.status)
  return { ref: chosen.status }
}

/** The pull request in the field that the team made for it; ClickUp has no links to elsewhere, so nothing is shown where there is no such field. */
export async function linkOn(
  client: ClickupClient,
  task: string,
  { what, url }: Extract<SurfaceBody, { kind: 'ticket.link' }>,
  pullField: string,
  mayLeave: () => void,
): Promise<EffectResult> {
  if (what !== 'pull_request') return {}
  const { custom_fields: fields = [] } = await client.task(task)
  const field = fields.find(
    ({ name, type }) =>
      name?.toLowerCase() === pullField.toLowerCase() && (type === 'url' || type === 'short_text' || type === 'text'),
  )
  if (!field) return {}
  mayLeave()
  await client.setField(task, field.id, url)
  return { ref: field.id }
}
