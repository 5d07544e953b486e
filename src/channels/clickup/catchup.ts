import type { z } from 'zod'
import { surfaceKey } from '../../core/said.ts'
import type { CatchUp, CatchUpStore } from '../types.ts'
import type { ClickupClient } from './client.ts'
import { arrivalOf } from './receive.ts'
import type { ClickupTask, Comment } from './schema.ts'

/** ClickUp tries an event five times within a few minutes, and never again (limits.md). */
const OVERLAP_MS = 60_000
const MAX_PAGES = 20
const TASKS_PAGE = 100
const COMMENTS_PAGE = 25

/**
 * Reads what changed while nobody listened: comments, under the ids they would have had, and tasks that have come to Muster
 * without its having heard of it. Who assigned them is not told by ClickUp, so those only get a question.
 */
export function clickupCatchUp(
  client: ClickupClient,
  team: string,
  self: () => Promise<string>,
  store: CatchUpStore,
): CatchUp {
  return {
    source: 'clickup',
    async run(since) {
      const own = await self()
      const from = since - OVERLAP_MS
      const cut: string[] = []
      const found: string[] = []
      const keep = async (payload: object) => {
        const { id, duplicate } = await store.insert(arrivalOf(payload, Buffer.from(JSON.stringify(payload)), team))
        if (!duplicate) found.push(id)
      }
      for (const task of await changed(client, team, from, cut)) {
        const missed = await handedOver(store, team, task, own)
        if (missed) await keep(missed)
        for (const comment of await comments(client, task.id, from, cut))
          if (comment.user?.id !== own) await keep(commentEvent(task.id, comment))
      }
      return { asked: 0, found, cut }
    },
  }
}

async function changed(client: ClickupClient, team: string, from: number, cut: string[]): Promise<ClickupTask[]> {
  const all: ClickupTask[] = []
  for (let page = 0; page < MAX_PAGES; page++) {
    const tasks = await client.changed(team, from, page)
    all.push(...tasks)
    if (tasks.length < TASKS_PAGE) return all
  }
  cut.push('changed tasks')
  return all
}

/** An assignment or a tag that no event told of, and after which nothing was ever heard in the task. */
async function handedOver(
  store: CatchUpStore,
  team: string,
  task: ClickupTask,
  own: string,
): Promise<object | undefined> {
  const assigned = (task.assignees ?? []).some(({ id }) => id === own)
  if (!assigned) return undefined
  const lane = surfaceKey({ channel: 'clickup', team, ticket: task.id })
  if ((await store.has(lane, 'taskAssigneeUpdated')) || (await store.has(lane, 'taskCommentPosted'))) return undefined
  return {
    event: 'taskAssigneeUpdated',
    task_id: task.id,
    history_items: [
      {
        id: 'catch-up',
        date: task.date_updated,
        field: 'assignee_add',
        user: { id: '', username: 'somebody' },
        after: { id: own },
      },
    ],
  }
}

async function comments(client: ClickupClient, task: string, from: number, cut: string[]) {
  const found: z.infer<typeof Comment>[] = []
  for (let page = 0; page < MAX_PAGES; page++) {
    const all = await client.comments(task, page === 0 ? undefined : found.at(-1))
    const fresh = all.filter(({ date }) => Number(date) >= from)
    found.push(...fresh)
    if (fresh.length < all.length || all.length < COMMENTS_PAGE) return found.toReversed()
  }
  cut.push(`comments on ${task}`)
  return found.toReversed()
}

function commentEvent(task: string, { id, date, comment, comment_text: text, user }: z.infer<typeof Comment>): object {
  return {
    event: 'taskCommentPosted',
    task_id: task,
    history_items: [{ id, date, field: 'comment', user, comment: { id, text_content: text, comment, user } }],
  }
}
