import type { PrismaClient } from './generated/client.ts'
import { cursorOf, pageOf, readCursor } from './paging.ts'
import type { Sql } from './sql.ts'
import type { DeadLetter, DeadLetterStore } from './types.ts'

/** Why an event is no more than a letter: it may be opened again. */
export const EVENT_REASONS = ['failed', 'quarantined', 'platform_refused']

/** What could not be done: effects that failed for good, events that could not be handled. A view over their own tables. */
export function deadLetterStore(prisma: PrismaClient, sql: Sql): DeadLetterStore {
  return {
    async list(page) {
      const after = readCursor(page.cursor)
      const { rows } = await sql.query(
        `SELECT * FROM (
          SELECT id, 'effect' AS kind, kind AS what, error, COALESCE(sent_at, created_at) AS at, task_id, conversation_id FROM effect WHERE status = 'failed'
          UNION ALL
          SELECT id, 'event', kind, detail, received_at, task_id, conversation_id FROM inbound_event WHERE outcome = 'refused' AND reason = ANY($1)
        ) AS letter WHERE $2::timestamptz IS NULL OR (at, id) < ($2::timestamptz, $3::text) ORDER BY at DESC, id DESC LIMIT $4`,
        [EVENT_REASONS, after?.at ?? null, after?.id ?? '', page.limit + 1],
      )
      return pageOf(rows, page.limit, letterOf, (row) => cursorOf(dateOf(row['at']), String(row['id'])))
    },
    async get(id) {
      const effect = await prisma.effect.findFirst({ where: { id, status: 'failed' } })
      if (effect) {
        const { ordinal: _, ...stored } = effect
        const { kind, error, sentAt, createdAt, taskId, conversationId } = effect
        return {
          letter: {
            id,
            kind: 'effect',
            what: kind,
            error: error ?? '',
            at: sentAt ?? createdAt,
            task: taskId ?? undefined,
            conversation: conversationId,
          },
          stored,
        }
      }
      const event = await prisma.inboundEvent.findFirst({
        where: { id, outcome: 'refused', reason: { in: EVENT_REASONS } },
      })
      if (!event) return undefined
      const { body, seq: _, ...stored } = event
      const { kind, detail, receivedAt, taskId, conversationId } = event
      return {
        letter: {
          id,
          kind: 'event',
          what: kind,
          error: detail ?? '',
          at: receivedAt,
          task: taskId ?? undefined,
          conversation: conversationId ?? undefined,
        },
        stored: { ...stored, body: Buffer.from(body).toString('utf8').slice(0, 100_000) },
      }
    },
    async drop(id) {
      const { rows } = await sql.query(
        `WITH effects AS (UPDATE effect SET status = 'dropped' WHERE id = $1 AND status = 'failed' RETURNING id),
          events AS (UPDATE inbound_event SET reason = 'dropped' WHERE id = $1 AND outcome = 'refused' AND reason = ANY($2) RETURNING id)
          SELECT id FROM effects UNION ALL SELECT id FROM events`,
        [id, EVENT_REASONS],
      )
      return rows.length > 0
    },
  }
}

function dateOf(value: unknown): Date {
  return value instanceof Date ? value : new Date(0)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function letterOf(row: Readonly<Record<string, unknown>>): DeadLetter {
  return {
    id: String(row['id']),
    kind: row['kind'] === 'effect' ? 'effect' : 'event',
    what: String(row['what']),
    error: textOf(row['error']) ?? '',
    at: dateOf(row['at']),
    task: textOf(row['task_id']),
    conversation: textOf(row['conversation_id']),
  }
}
