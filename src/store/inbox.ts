import { type InboundEvent, WILL_RETRY } from '../core/inbound.ts'
import type { Decision } from '../core/task/commands.ts'
import type { InboundEvent as PrismaRow, PrismaClient } from './generated/client.ts'
import { bytesOf, cleanText, fromJson } from './json.ts'
import { cursorOf, pageOf, readCursor } from './paging.ts'
import type { Sql } from './sql.ts'
import type { InboxStore, StoredInbound } from './types.ts'
import { inboxWriter } from './writer.ts'

/** Arrived events and what became of them. @param ackSql connections that nothing else uses */
export function inboxStore(prisma: PrismaClient, sql: Sql, ackSql: Sql): InboxStore {
  return {
    insert: inboxWriter(ackSql),
    async get(id) {
      const { rows } = await sql.query('SELECT * FROM inbound_event WHERE id = $1', [id])
      return rows[0] && storedOf(rows[0])
    },
    async decide(id, decision, links) {
      await sql.query(DECIDE, decideValues(id, decision, links))
    },
    async postpone(id, detail, retryAt) {
      await sql.query(
        `UPDATE inbound_event SET attempts = attempts + 1, outcome = 'deferred', reason = '${WILL_RETRY}', detail = $2, retry_at = $3 WHERE id = $1 AND decided_at IS NULL`,
        [id, cleanText(detail.slice(0, 2000)), retryAt],
      )
    },
    async setLane(id, lane) {
      await sql.query('UPDATE inbound_event SET lane = $2 WHERE id = $1', [id, lane])
    },
    async waiting(lanes, limit) {
      const { rows } = await sql.query(
        'SELECT * FROM inbound_event WHERE lane = ANY($1) AND decided_at IS NULL AND NOT (attempts > 5 AND retry_at > clock_timestamp()) ORDER BY seq LIMIT $2',
        [lanes, limit],
      )
      return rows.map(storedOf)
    },
    async undecided(olderThanMs, limit) {
      const { rows } = await sql.query(
        `SELECT id, account FROM inbound_event WHERE decided_at IS NULL AND received_at <= clock_timestamp() - $1 * interval '1 ms'
          AND (retry_at IS NULL OR retry_at <= clock_timestamp()) ORDER BY seq LIMIT $2`,
        [olderThanMs, limit],
      )
      return rows.map((row) => ({ id: String(row['id']), account: textOf(row['account']) }))
    },
    async has(lane, text) {
      const { rows } = await sql.query(
        "SELECT 1 FROM inbound_event WHERE lane = $1 AND position(convert_to($2, 'UTF8') in body) > 0 LIMIT 1",
        [lane, text],
      )
      return rows.length > 0
    },
    async reopen(id) {
      const { rows } = await sql.query(
        `UPDATE inbound_event SET decided_at = NULL, outcome = NULL, reason = NULL, detail = NULL, attempts = 0, retry_at = NULL
          WHERE id = $1 AND outcome = 'refused' AND reason IN ('failed', 'quarantined') RETURNING id`,
        [id],
      )
      return rows.length > 0
    },
    async list(filter, page) {
      const after = readCursor(page.cursor)
      const rows = await prisma.inboundEvent.findMany({
        where: {
          ...(filter.source ? { source: filter.source } : {}),
          ...(filter.deliveryId ? { deliveryId: filter.deliveryId } : {}),
          ...(filter.conversation ? { conversationId: filter.conversation } : {}),
          ...(after ? { OR: [{ receivedAt: { lt: after.at } }, { receivedAt: after.at, id: { lt: after.id } }] } : {}),
        },
        orderBy: [{ receivedAt: 'desc' }, { id: 'desc' }],
        take: page.limit + 1,
        omit: { body: true },
      })
      return pageOf(rows, page.limit, eventOf, (row) => cursorOf(row.receivedAt, row.id))
    },
  }
}

/** Decides once: whoever comes later changes nothing. */
export const DECIDE = `UPDATE inbound_event SET outcome = $2, reason = $3, detail = $4, decided_at = clock_timestamp(),
  conversation_id = COALESCE($5, conversation_id), task_id = COALESCE($6, task_id), kind = COALESCE($7, kind)
  WHERE id = $1 AND decided_at IS NULL`

type Links = { conversationId?: string | undefined; taskId?: string | undefined; kind?: string | undefined }

/** The parameters of `DECIDE`. */
export function decideValues(id: string, decision: Decision, links: Links): unknown[] {
  return [
    id,
    decision.outcome,
    decision.reason,
    cleanText(decision.detail.slice(0, 2000)),
    links.conversationId ?? null,
    links.taskId ?? null,
    links.kind ?? null,
  ]
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function storedOf(row: Readonly<Record<string, unknown>>): StoredInbound {
  const outcome = textOf(row['outcome'])
  return {
    event: {
      id: String(row['id']),
      source: String(row['source']),
      deliveryId: String(row['delivery_id']),
      kind: String(row['kind']),
      receivedAt: fromJson<Date>(row['received_at']),
      conversation: textOf(row['conversation_id']),
      task: textOf(row['task_id']),
      decision: outcome
        ? {
            outcome: fromJson<Decision['outcome']>(outcome),
            reason: textOf(row['reason']) ?? '',
            detail: textOf(row['detail']) ?? '',
          }
        : undefined,
    },
    body: bytesOf(row['body']),
    lane: textOf(row['lane']),
    account: textOf(row['account']),
    attempts: Number(row['attempts']),
    retryAt: row['retry_at'] ? fromJson<Date>(row['retry_at']) : undefined,
  }
}

function eventOf(row: Omit<PrismaRow, 'body'>): InboundEvent {
  const { id, source, deliveryId, kind, receivedAt } = row
  const decision = row.outcome
    ? { outcome: fromJson<Decision['outcome']>(row.outcome), reason: row.reason ?? '', detail: row.detail ?? '' }
    : undefined
  return {
    id,
    source,
    deliveryId,
    kind,
    receivedAt,
    conversation: row.conversationId ?? undefined,
    task: row.taskId ?? undefined,
    decision,
  }
}
