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
  items: z.array(
    z.object({
      seq: z.number(),
      type: z.string(),
      at: z.string(),
      actor: z.string().nullable(),
      reason: z.string().nullable(),
      data: z.unknown(),
    }),
  ),
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

export async function get<T>(remote: Remote, path: string, shape: z.ZodType<T>): Promise<T> {
  const response = await call(remote, path, 'GET')
  return shape.parse(await bodyOf(response))
}

async function bodyOf(response: Response): Promise<unknown> {
  const body: unknown = await response.json().catch(() => undefined)
  if (!response.ok) throw new UserError('api', detailOf(body) ?? `The server answered ${response.status}.`)
  return body
}

/** Changes something. */
export async function send(remote: Remote, method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
  return bodyOf(await call(remote, path, method, 30_000, body))
}

async function call(
  remote: Remote,
  path: string,
  method: 'GET' | 'POST' | 'DELETE',
  timeoutMs = 30_000,
  body?: unknown,
): Promise<Response> {
  const url = `${remote.url}/api/v1${path}`
  try {
    return await fetch(url, {
      method,
      headers: {
        ...(remote.token ? { authorization: `Bearer ${remote.token}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    })
  } catch (error) {
    throw new UserError('no_server', `No server answers at ${remote.url}.`, {
      hint: 'Start it with `npm start`; or set PORT and HOST as the server has them, or name it with `--server <url>`.',
      cause: error,
    })
  }
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

export function taskEvents(remote: Remote, id: string, print: Print): Promise<void> {
  return printHistory(remote, `/tasks/${encodeURIComponent(id)}`, print)
}

/** The history of what stands at a path, a line for each event. */
export async function printHistory(remote: Remote, path: string, print: Print): Promise<void> {
  let cursor: string | null = null
  do {
    const query: string = cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''
    const page: z.infer<typeof History> = await get(remote, `${path}/events?limit=500${query}`, History)
    for (const event of page.items)
      print(
        `${String(event.seq).padStart(4)}  ${event.at}  ${event.type.padEnd(20)}  ${(event.actor ?? '').padEnd(20)}  ${(event.reason ?? '').padEnd(18)}  ${JSON.stringify(event.data).slice(0, 120)}`,
      )
    cursor = page.next
  } while (cursor)
}

const Verdict = z.object({ ok: z.boolean(), problems: z.array(z.string()), events: z.number(), unchained: z.number() })

/** Replays a task's history on the server, and says whether it is what was written. @returns whether it is */
export function verifyTask(remote: Remote, id: string, print: Print): Promise<boolean> {
  return verify(remote, `/tasks/${encodeURIComponent(id)}`, print)
}

/** The same of what stands at a path. */
export async function verify(remote: Remote, path: string, print: Print): Promise<boolean> {
  const { ok, problems, events, unchained } = await get(remote, `${path}/verify`, Verdict)
  for (const problem of problems) print(`✗ ${problem}`)
  if (ok) print(`✓ ${events} events: the chain holds, and replaying them gives the stored state.`)
  if (unchained > 0) print(`  ${unchained} of them were written by a version before 0.2, without a hash of their own.`)
  return ok
}

export async function exportTask(remote: Remote, id: string, print: Print): Promise<void> {
  print(JSON.stringify(await get(remote, `/tasks/${encodeURIComponent(id)}/export`, z.unknown()), null, 2))
}

const Letters = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      kind: z.string(),
      what: z.string(),
      error: z.string(),
      at: z.string(),
      task: z.string().nullable(),
    }),
  ),
  next: z.string().nullable(),
})

/** Work that could not be done. */
export async function listLetters(remote: Remote, print: Print): Promise<void> {
  const { items } = await get(remote, '/dead-letters?limit=200', Letters)
  if (items.length === 0) print('No dead letters: everything was done, or is still being tried.')
  for (const { id, at, kind, what, error, task } of items)
    print(`${id}  ${at}  ${`${kind} ${what}`.padEnd(28)}  ${error.slice(0, 100)}${task ? `  (task ${task})` : ''}`)
}

export async function showLetter(remote: Remote, id: string, print: Print): Promise<void> {
  print(JSON.stringify(await get(remote, `/dead-letters/${encodeURIComponent(id)}`, z.unknown()), null, 2))
}

/** Tries a dead letter again, or gives it up. */
export async function settleLetter(remote: Remote, id: string, what: 'retry' | 'drop', print: Print): Promise<void> {
  await bodyOf(await call(remote, `/dead-letters/${encodeURIComponent(id)}/${what}`, 'POST'))
  print(what === 'retry' ? 'It is tried again.' : 'Given up.')
}

const BACKUP_MS = 10 * 60_000

/** A backup of the embedded database of a running server. */
export async function fetchBackup(remote: Remote): Promise<Blob> {
  const response = await call(remote, '/backup', 'GET', BACKUP_MS)
  if (!response.ok) await bodyOf(response)
  return response.blob()
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
