import type { ChainEnd } from '../core/chain.ts'
import { accountOf } from '../core/effecttable.ts'
import type { Surface } from '../core/said.ts'
import { readTask, type StoredTask } from '../core/task/stored.ts'
import type { Task, TaskEvent, TaskStatus } from '../core/task/types.ts'
import type { Work } from '../core/task/work.ts'
import { commitWriter } from './commit.ts'
import { exportTask } from './export.ts'
import type { PrismaClient, Task as PrismaRow } from './generated/client.ts'
import { gatheredRows } from './gather.ts'
import { fromJson } from './json.ts'
import { cursorOf, pageOf, readCursor } from './paging.ts'
import type { Sql } from './sql.ts'
import type { LoadedTask, TaskStore, TaskSummary } from './types.ts'

const NEWEST = `SELECT c.id AS asked, t.state FROM unnest($1::text[]) AS c(id)
  CROSS JOIN LATERAL (SELECT state FROM task WHERE conversation_id = c.id ORDER BY created_at DESC LIMIT 1) AS t`
const COUNTS =
  'SELECT conversation_id AS asked, count(1)::int AS count FROM task WHERE conversation_id = ANY($1) GROUP BY 1'

/** Tasks and their history. */
export function taskStore(prisma: PrismaClient, sql: Sql): TaskStore {
  const rowsOf = gatheredRows(sql, 'SELECT id AS asked, state, chain_seq, chain_hash FROM task WHERE id = ANY($1)')
  const newest = gatheredRows(sql, NEWEST)
  const counts = gatheredRows(sql, COUNTS)
  const load = async (id: string): Promise<LoadedTask | undefined> => {
    const [row] = await rowsOf(id)
    return row && { task: stateIn(row), chain: chainOf(row) }
  }
  return {
    commit: commitWriter(sql),
    load,
    get: async (id) => (await load(id))?.task,
    async latest(conversationId) {
      const [row] = await newest(conversationId)
      return row && stateIn(row)
    },
    count: async (conversationId) => Number((await counts(conversationId))[0]?.['count'] ?? 0),
    async waiting(olderThanMs, limit) {
      const { rows } = await sql.query(
        `SELECT id, work, chain_seq = version AS current, state->'origin'->'repository'->>'installationId' AS installation FROM task
          WHERE finished_at IS NULL AND (work IS NOT NULL OR chain_seq IS DISTINCT FROM version) AND updated_at <= clock_timestamp() - $1 * interval '1 ms'
          ORDER BY updated_at LIMIT $2`,
        [olderThanMs, limit],
      )
      return rows.map((row) => ({
        id: String(row['id']),
        account: accountOf(Number(row['installation'])),
        work: row['current'] === true ? fromJson<Work[]>(row['work'] ?? []) : undefined,
      }))
    },
    async versions(ids) {
      const { rows } = await sql.query('SELECT id, version FROM task WHERE id = ANY($1)', [ids])
      return new Map(rows.map((row) => [String(row['id']), Number(row['version'])]))
    },
    async events(id, page) {
      const after = page.cursor === undefined ? 0 : Number(page.cursor)
      const rows = await prisma.taskEvent.findMany({
        where: { taskId: id, seq: { gt: Number.isInteger(after) ? after : 0 } },
        orderBy: { seq: 'asc' },
        take: page.limit + 1,
      })
      const map = (row: (typeof rows)[number]) => ({
        seq: row.seq,
        event: fromJson<TaskEvent>({ type: row.type, ...fromJson<object>(row.data) }),
        at: row.at,
        actor: row.actor ?? undefined,
        reason: row.reason ?? undefined,
        hash: row.hash ?? undefined,
      })
      return pageOf(rows, page.limit, map, (row) => String(row.seq))
    },
    export: (id) => exportTask(sql, id),
    ...openTasks(sql),
    async list(page) {
      const after = readCursor(page.cursor)
      const where = after
        ? { OR: [{ createdAt: { lt: after.at } }, { createdAt: after.at, id: { lt: after.id } }] }
        : {}
      const rows = await prisma.task.findMany({
        where,
        orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
        take: page.limit + 1,
        omit: { state: true, work: true },
      })
      return pageOf(rows, page.limit, summary, (row) => cursorOf(row.createdAt, row.id))
    },
  }
}

/** A state, whichever version wrote it. */
function stateIn(row: Readonly<Record<string, unknown>>): Task {
  return readTask(fromJson<StoredTask>(row['state']))
}

function chainOf(row: Readonly<Record<string, unknown>>): ChainEnd | undefined {
  const { chain_seq: seq, chain_hash: hash } = row
  return typeof seq === 'number' && typeof hash === 'string' ? { seq, hash } : undefined
}

function summary(row: Omit<PrismaRow, 'state' | 'work'>): TaskSummary {
  const { id, conversationId, workflow, title, repository, costUsd, createdAt } = row
  return {
    id,
    conversationId,
    workflow,
    title,
    repository,
    costUsd,
    createdAt,
    status: fromJson<TaskStatus>(row.status),
    finishedAt: row.finishedAt ?? undefined,
  }
}

/** Tasks that are not finished. */
function openTasks(sql: Sql): Pick<TaskStore, 'unfinished' | 'surfaces' | 'ofPlugins'> {
  return {
    async unfinished(limit) {
      const { rows } = await sql.query(
        'SELECT state FROM task WHERE finished_at IS NULL ORDER BY created_at DESC, id DESC LIMIT $1',
        [limit],
      )
      return rows.map(stateIn)
    },
    async ofPlugins() {
      const { rows } = await sql.query(
        `SELECT id FROM task WHERE finished_at IS NULL
          AND (workflow LIKE '%/%' OR state->>'missing' IS NOT NULL OR jsonb_path_exists(state, '$.steps[*].kind ? (@ like_regex "/")'))
          ORDER BY created_at`,
        [],
      )
      return rows.map((row) => String(row['id']))
    },
    async surfaces() {
      const { rows } = await sql.query(
        "SELECT state->'surfaces' AS surfaces FROM task WHERE finished_at IS NULL AND state ? 'surfaces' LIMIT 5000",
        [],
      )
      return rows.flatMap((row) => fromJson<readonly Surface[]>(row['surfaces']))
    },
  }
}
