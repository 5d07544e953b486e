import { z } from 'zod'
import { UserError } from '../core/errors.ts'
import type { Print } from './types.ts'

/** Commands that ask a running server over its API. */
export interface Remote {
  readonly url: string
  readonly token: string | undefined
}

const Tasks = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      status: z.string(),
      workflow: z.string(),
      title: z.string(),
      repository: z.string(),
      costUsd: z.number(),
      createdAt: z.string(),
    }),
  ),
  next: z.string().nullable(),
})
const History = z.object({
  items: z.array(z.object({ seq: z.number(), type: z.string(), at: z.string(), data: z.unknown() })),
  next: z.string().nullable(),
})
const Events = z.object({
  items: z.array(
    z.object({
      deliveryId: z.string(),
      kind: z.string(),
      receivedAt: z.string(),
      task: z.string().nullable(),
      decision: z.object({ outcome: z.string(), reason: z.string(), detail: z.string() }).nullable(),
    }),
  ),
  next: z.string().nullable(),
})

async function get<T>(remote: Remote, path: string, shape: z.ZodType<T>): Promise<T> {
  const url = `${remote.url}/api/v1${path}`
  let response: Response
  try {
    response = await fetch(url, {
      headers: remote.token ? { authorization: `Bearer ${remote.token}` } : {},
      signal: AbortSignal.timeout(30_000),
    })
  } catch (error) {
    throw new UserError('no_server', `No server answers at ${remote.url}.`, {
      hint: 'Start it with `npm start`, or set PORT (or MUSTER_PUBLIC_URL) as the server has it.',
      cause: error,
    })
  }
  const body: unknown = await response.json().catch(() => undefined)
  if (!response.ok) throw new UserError('api', detailOf(body) ?? `The server answered ${response.status}.`)
  return shape.parse(body)
}

function detailOf(body: unknown): string | undefined {
  return typeof body === 'object' && body !== null && 'detail' in body && typeof body.detail === 'string'
    ? body.detail
    : undefined
}

export async function listTasks(remote: Remote, print: Print): Promise<void> {
  const { items } = await get(remote, '/tasks?limit=50', Tasks)
  if (items.length === 0) print('No tasks yet. Put the label `muster` on an issue.')
  for (const task of items)
    print(
      `${task.id}  ${task.status.padEnd(10)}  $${task.costUsd.toFixed(2).padStart(6)}  ${task.repository}  ${task.title}`,
    )
}

export async function showTask(remote: Remote, id: string, print: Print): Promise<void> {
  const task = await get(remote, `/tasks/${encodeURIComponent(id)}`, z.unknown())
  print(JSON.stringify(task, null, 2))
}

export async function taskEvents(remote: Remote, id: string, print: Print): Promise<void> {
  let cursor: string | null = null
  do {
    const query: string = cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''
    const page: z.infer<typeof History> = await get(
      remote,
      `/tasks/${encodeURIComponent(id)}/events?limit=500${query}`,
      History,
    )
    for (const event of page.items)
      print(
        `${String(event.seq).padStart(4)}  ${event.at}  ${event.type.padEnd(20)}  ${JSON.stringify(event.data).slice(0, 160)}`,
      )
    cursor = page.next
  } while (cursor)
}

/** What became of a delivery, or of the latest ones. */
export async function why(remote: Remote, deliveryId: string | undefined, print: Print): Promise<void> {
  const { items } = await get(
    remote,
    deliveryId ? `/events?deliveryId=${encodeURIComponent(deliveryId)}` : '/events?limit=30',
    Events,
  )
  if (items.length === 0) print(deliveryId ? 'No such delivery was received here.' : 'Nothing has been received yet.')
  for (const event of items) {
    const { outcome, reason, detail } = event.decision ?? { outcome: 'undecided', reason: '', detail: '' }
    print(
      `${event.receivedAt}  ${event.kind.padEnd(34)}  ${outcome.padEnd(9)}  ${reason}${detail ? `: ${detail}` : ''}${event.task ? `  (task ${event.task})` : ''}`,
    )
  }
}
