import { HOLDS_UP, type InboundEvent, type Part, WILL_RETRY, wholeDecision } from '../core/inbound.ts'
import type { Decision } from '../core/deciding/commands.ts'
import type { InboundEvent as PrismaRow, PrismaClient } from './generated/client.ts'
import { bytesOf, cleanText, fromJson, jsonText } from './json.ts'
import { EVENT_REASONS } from './letters.ts'
import { cursorOf, pageOf, readCursor } from './paging.ts'
import { Params, type Sql } from './sql.ts'
import type { InboundLinks, InboxStore, StoredInbound } from './types.ts'
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
      const { text, values } = decideStatement(id, decision, links)
      await sql.query(text, values)
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
        `SELECT * FROM inbound_event WHERE lane = ANY($1) AND decided_at IS NULL AND NOT (attempts > ${HOLDS_UP} AND retry_at > clock_timestamp()) ORDER BY seq LIMIT $2`,
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
          WHERE id = $1 AND outcome = 'refused' AND reason = ANY($2) RETURNING id`,
        [id, EVENT_REASONS],
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
        omit: { body: true, parts: true },
      })
      return pageOf(rows, page.limit, eventOf, (row) => cursorOf(row.receivedAt, row.id))
    },
  }
}

function decideStatement(id: string, decision: Decision, links: InboundLinks) {
  const params = new Params()
  const sets = decidedSets(decision, links, params)
  return { text: `UPDATE inbound_event SET ${sets} WHERE ${stillOpen(id, links.part, params)}`, values: params.values }
}

/** What a decision writes: of several commands all but the last leave the event open. */
export function decidedSets(decision: Decision, links: InboundLinks, params: Params): string {
  const { part, conversationId, taskId, kind } = links
  const about = [
    `conversation_id = COALESCE(${params.add(conversationId ?? null)}::text, conversation_id)`,
    `task_id = COALESCE(${params.add(taskId ?? null)}::text, task_id)`,
  ]
  // It is read again for the next of them: what it is called stays as it came.
  if (part && !part.isLast)
    return [
      ...about,
      `parts = parts || ${params.add(jsonText([{ ...decision, detail: decision.detail.slice(0, 300) }]))}::jsonb`,
    ].join(', ')
  const { outcome, reason, detail } = part ? wholeDecision(part.earlier, decision) : decision
  return [
    ...about,
    `kind = COALESCE(${params.add(kind ?? null)}::text, kind)`,
    `outcome = ${params.add(outcome)}::text`,
    `reason = ${params.add(reason)}::text`,
    `detail = ${params.add(cleanText(detail.slice(0, 2000)))}::text`,
    'decided_at = clock_timestamp()',
  ].join(', ')
}

/** Decides once: whoever comes later changes nothing. */
export function stillOpen(id: string, part: Part | undefined, params: Params): string {
  const nth = part ? ` AND jsonb_array_length(parts) = ${params.add(part.nth)}::int` : ''
  return `id = ${params.add(id)} AND decided_at IS NULL${nth}`
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
    parts: fromJson<Decision[]>(row['parts']),
    retryAt: row['retry_at'] ? fromJson<Date>(row['retry_at']) : undefined,
  }
}

function eventOf(row: Omit<PrismaRow, 'body' | 'parts'>): InboundEvent {
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
