import { randomUUID } from 'node:crypto'
import { type InboundEvent, WILL_RETRY } from '../core/inbound.ts'
import type { Decision } from '../core/task/commands.ts'
import { cleanText, fromJson } from './json.ts'
import type { InboundEvent as Row, PrismaClient } from './generated/client.ts'
import { cursorOf, pageOf, readCursor } from './paging.ts'
import type { Sql } from './sql.ts'
import type { InboxStore } from './types.ts'

const FIRST = `INSERT INTO inbound_event (id, source, delivery_id, kind, body) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (source, delivery_id) WHERE duplicate_of IS NULL DO NOTHING RETURNING id`
const AGAIN = `INSERT INTO inbound_event (id, source, delivery_id, kind, body, duplicate_of, outcome, reason, detail, decided_at, conversation_id, task_id)
  SELECT $1, source, delivery_id, kind, ''::bytea, id, 'duplicate', 'delivery_seen', 'first received as ' || id, now(), conversation_id, task_id
  FROM inbound_event WHERE source = $2 AND delivery_id = $3 AND duplicate_of IS NULL`

/** Durable in: one statement for a new delivery, two for a repeated one. */
export function inboxStore(prisma: PrismaClient, sql: Sql): InboxStore {
  return {
    async insert({ source, deliveryId, kind, body }) {
      const id = randomUUID()
      const { rows } = await sql.query(FIRST, [id, source, deliveryId, kind, body])
      if (rows.length > 0) return { id, duplicate: false }
      await sql.query(AGAIN, [id, source, deliveryId])
      return { id, duplicate: true }
    },
    async get(id) {
      const row = await prisma.inboundEvent.findUnique({ where: { id } })
      return row ? { event: eventOf(row), body: row.body, attempts: row.attempts } : undefined
    },
    async decide(id, decision, links) {
      await prisma.inboundEvent.update({ where: { id }, data: decisionData(decision, links) })
    },
    async postpone(id, detail) {
      await prisma.inboundEvent.update({
        where: { id },
        data: { attempts: { increment: 1 }, outcome: 'deferred', reason: WILL_RETRY, detail: detail.slice(0, 2000) },
      })
    },
    async undecided() {
      const rows = await prisma.inboundEvent.findMany({
        where: { OR: [{ outcome: null }, { outcome: 'deferred', reason: WILL_RETRY }] },
        orderBy: { receivedAt: 'asc' },
        select: { id: true },
        take: 10_000,
      })
      return rows.map((row) => row.id)
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
      return pageOf(
        rows,
        page.limit,
        (row) => eventOf({ ...row, body: new Uint8Array() }),
        (row) => cursorOf(row.receivedAt, row.id),
      )
    },
  }
}

/** The columns that a decision sets. */
export function decisionData(
  decision: Decision,
  links: { conversationId?: string | undefined; taskId?: string | undefined; kind?: string | undefined },
) {
  return {
    outcome: decision.outcome,
    reason: decision.reason,
    detail: cleanText(decision.detail.slice(0, 2000)),
    decidedAt: new Date(),
    ...(links.conversationId ? { conversationId: links.conversationId } : {}),
    ...(links.taskId ? { taskId: links.taskId } : {}),
    ...(links.kind ? { kind: links.kind } : {}),
  }
}

function eventOf(row: Row): InboundEvent {
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
