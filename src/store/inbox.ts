import { HOLDS_UP, type InboundEvent, WILL_RETRY, wholeDecision } from '../core/inbound.ts'
import type { Decision } from '../core/deciding/commands.ts'
import type { InboundEvent as PrismaRow, PrismaClient } from './generated/client.ts'
import { gathered, gatheredRows } from './gather.ts'
import { bytesOf, cleanText, fromJson, jsonText } from './json.ts'
import { EVENT_REASONS } from './letters.ts'
import { cursorOf, pageOf, readCursor } from './paging.ts'
import type { Sql } from './sql.ts'
import type { InboundLinks, InboxStore, StoredInbound } from './types.ts'
import { inboxWriter } from './writer.ts'

/** What is read of an event, by name: a star would not be prepared. */
const EVENT_COLUMNS =
  'id, source, delivery_id, kind, body, lane, account, received_at, conversation_id, task_id, outcome, reason, detail, attempts, parts, retry_at'

/** Of each that asks, $1 its lanes and how many events: those that wait, in the order they came. */
const WAITING = `SELECT asked.n, ${EVENT_COLUMNS} FROM jsonb_to_recordset($1::jsonb) AS asked(n int, lanes text[], most int)
  CROSS JOIN LATERAL (SELECT seq, ${EVENT_COLUMNS} FROM inbound_event WHERE lane = ANY(asked.lanes) AND decided_at IS NULL
    AND NOT (attempts > ${HOLDS_UP} AND retry_at > clock_timestamp()) ORDER BY seq LIMIT asked.most) AS e ORDER BY e.seq`

interface Waits {
  readonly lanes: readonly string[]
  readonly limit: number
}

async function waiting(sql: Sql, batch: readonly Waits[]): Promise<StoredInbound[][]> {
  const asked = batch.map(({ lanes, limit }, n) => ({ n, lanes, most: limit }))
  const { rows } = await sql.query(WAITING, [jsonText(asked)])
  const byAsker = Map.groupBy(rows, (row) => Number(row['n']))
  return batch.map((_one, n) => (byAsker.get(n) ?? []).map(storedOf))
}

/** Arrived events and what became of them. @param ackSql connections that nothing else uses */
export function inboxStore(prisma: PrismaClient, sql: Sql, ackSql: Sql): InboxStore {
  const byId = gatheredRows(sql, `SELECT id AS asked, ${EVENT_COLUMNS} FROM inbound_event WHERE id = ANY($1)`)
  const inLanes = gathered({ atOnce: sql.atOnce, run: (batch: readonly Waits[]) => waiting(sql, batch) })
  return {
    insert: inboxWriter(ackSql),
    async get(id) {
      const [row] = await byId(id)
      return row && storedOf(row)
    },
    async decide(id, decision, links) {
      const row = { conversation_id: links.conversationId, task_id: links.taskId, ...decisionRow(decision, links) }
      await sql.query(DECIDE, [id, jsonText(row)])
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
    waiting: (lanes, limit) => inLanes({ lanes, limit }),
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

/** What a decision writes, as the statements below take it: of several commands all but the last leave the event open. */
export function decisionRow(decision: Decision, { part, kind }: InboundLinks) {
  // It is read again for the next of them: what it is called stays as it came.
  if (part && !part.isLast)
    return { decided_nth: part.nth, decided_part: [{ ...decision, detail: decision.detail.slice(0, 300) }] }
  const { outcome, reason, detail } = part ? wholeDecision(part.earlier, decision) : decision
  const whole = { decided_kind: kind, decided_outcome: outcome, decided_reason: reason }
  return { ...whole, decided_nth: part?.nth, decided_detail: detail.slice(0, 2000) }
}

export const DECISION_COLUMNS =
  'decided_nth int, decided_part jsonb, decided_kind text, decided_outcome text, decided_reason text, decided_detail text'

/** The row of a decision, `d`, put onto its event, `e`. */
export const DECIDED = `parts = e.parts || COALESCE(d.decided_part, '[]'), kind = COALESCE(d.decided_kind, e.kind),
  outcome = COALESCE(d.decided_outcome, e.outcome), reason = COALESCE(d.decided_reason, e.reason), detail = COALESCE(d.decided_detail, e.detail),
  decided_at = CASE WHEN d.decided_part IS NULL THEN clock_timestamp() END`

/** Decides once: whoever comes later changes nothing. */
export const STILL_OPEN =
  'e.decided_at IS NULL AND (d.decided_nth IS NULL OR jsonb_array_length(e.parts) = d.decided_nth)'

const DECIDE = `UPDATE inbound_event e SET conversation_id = COALESCE(d.conversation_id, e.conversation_id), task_id = COALESCE(d.task_id, e.task_id), ${DECIDED}
  FROM jsonb_to_record($2::jsonb) AS d(conversation_id text, task_id text, ${DECISION_COLUMNS}) WHERE e.id = $1 AND ${STILL_OPEN}`

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
