import { answerStore } from './answers.ts'
import { archiveStore } from './archive.ts'
import { usageStore } from './usage/usage.ts'
import type { Clock } from './clock.ts'
import { effectStore } from './effects.ts'
import { environmentStore } from './environments.ts'
import type { PrismaClient } from './generated/client.ts'
import { gatheredRows } from './gather.ts'
import { newId } from './ids.ts'
import { inboxStore } from './inbox.ts'
import { jsonText } from './json.ts'
import { holds, leaseStore, processStore, rateStore } from './leases.ts'
import { installStore } from './installs.ts'
import { peopleStore } from './people.ts'
import { deadLetterStore } from './letters.ts'
import { releaseStore } from './releases.ts'
import { Params, type Sql } from './sql.ts'
import { taskStore } from './tasks.ts'
import { type ConversationStore, Fenced, type InstanceStore, type Store, type TurnStore } from './types.ts'

export interface StoreParts {
  /** For lists and for what is seldom asked. */
  readonly prisma: PrismaClient
  /** For everything on a task's way. */
  readonly sql: Sql
  /** For arriving events alone. */
  readonly ackSql: Sql
  readonly clock: Clock
}

/** The store, on either database. */
export function openStore({ prisma, sql, ackSql, clock }: StoreParts): Store {
  return {
    inbox: inboxStore(prisma, sql, ackSql),
    tasks: taskStore(prisma, sql),
    conversations: conversationStore(sql),
    people: peopleStore(sql),
    installs: installStore(sql),
    effects: effectStore(sql),
    deadLetters: deadLetterStore(prisma, sql),
    leases: leaseStore(sql),
    processes: processStore(sql),
    rates: rateStore(sql),
    turns: turnStore(prisma, sql),
    usage: usageStore(sql),
    answers: answerStore(sql),
    releases: releaseStore(prisma, sql),
    environments: environmentStore(sql),
    instance: instanceStore(sql),
    archive: archiveStore(sql),
    ping: async () => void (await ackSql.query(PING, [])),
    now: clock.now,
  }
}

const MAKE_CONVERSATION = `WITH known AS (SELECT conversation_id FROM conversation_link WHERE key = $1),
  made AS (INSERT INTO conversation (id) SELECT $2 WHERE NOT EXISTS (SELECT 1 FROM known) RETURNING id)
  INSERT INTO conversation_link (key, conversation_id) SELECT $1, id FROM made ON CONFLICT DO NOTHING`

const PLACES = `SELECT mine.key AS asked, other.key AS place FROM conversation_link mine JOIN conversation_link other USING (conversation_id)
  WHERE mine.key = ANY($1) ORDER BY other.made_at, other.key`

const LINK_PLACE = `INSERT INTO conversation_link (key, conversation_id) VALUES ($1, $2)
  ON CONFLICT (key) DO UPDATE SET conversation_id = $2,
    made_at = CASE WHEN conversation_link.conversation_id = $2 THEN conversation_link.made_at ELSE clock_timestamp() END
  WHERE conversation_link.conversation_id = $2
    OR NOT EXISTS (SELECT 1 FROM task WHERE conversation_id = conversation_link.conversation_id AND finished_at IS NULL)
  RETURNING 1`

function conversationStore(sql: Sql): ConversationStore {
  const found = gatheredRows(sql, 'SELECT key AS asked, conversation_id FROM conversation_link WHERE key = ANY($1)')
  const placesOf = gatheredRows(sql, PLACES)
  const find = async (key: string) => {
    const [row] = await found(key)
    return row && String(row['conversation_id'])
  }
  return {
    find,
    async at(key) {
      const known = await find(key)
      if (known) return known
      const id = newId()
      await sql.query(MAKE_CONVERSATION, [key, id])
      // Whoever was first has made it.
      return (await find(key)) ?? id
    },
    async places(key) {
      const rows = await placesOf(key)
      return rows.length > 0 ? rows.map((row) => String(row['place'])) : [key]
    },
    async link(key, conversationId) {
      const { rows } = await sql.query(LINK_PLACE, [key, conversationId])
      return rows.length > 0
    },
    async unlink(key, conversationId) {
      await sql.query('DELETE FROM conversation_link WHERE key = $1 AND conversation_id = $2', [key, conversationId])
    },
  }
}

function turnStore(prisma: PrismaClient, sql: Sql): TurnStore {
  return {
    async list(taskId, step, attempt) {
      return prisma.turn.findMany({ where: { taskId, step, attempt }, orderBy: { ordinal: 'asc' } })
    },
    async all(taskId) {
      return prisma.turn.findMany({ where: { taskId }, orderBy: [{ at: 'asc' }, { ordinal: 'asc' }] })
    },
    async saveResults({ taskId, step, attempt, ordinal }, results, fence) {
      const params = new Params()
      const keys = [jsonText(results), taskId, step, attempt, ordinal].map((value) => params.add(value))
      const allowed = fence ? ` AND EXISTS (${holds(fence, params.add(fence.name), params.add(fence.token))})` : ''
      const { rows } = await sql.query(
        `UPDATE turn SET results = ${keys[0]}::jsonb WHERE task_id = ${keys[1]} AND step = ${keys[2]} AND attempt = ${keys[3]}::int AND ordinal = ${keys[4]}::int${allowed} RETURNING ordinal`,
        params.values,
      )
      if (fence && rows.length === 0) throw new Fenced(`somebody else has ${fence.name} now`)
    },
  }
}

/** Read and written: on a full disk only the second fails. */
const PING = `INSERT INTO instance (key, value) VALUES ('ready.probe', to_jsonb(clock_timestamp())) ON CONFLICT (key) DO UPDATE SET value = excluded.value`

/** Plain SQL: whatever starts asks it, and not every process needs more of Prisma (its engine takes 30 MB). */
function instanceStore(sql: Sql): InstanceStore {
  const get = async (key: string): Promise<unknown> =>
    (await sql.query('SELECT value FROM instance WHERE key = $1', [key])).rows[0]?.['value']
  return {
    get,
    async setOnce(key, value) {
      await sql.query('INSERT INTO instance (key, value) VALUES ($1, $2::jsonb) ON CONFLICT (key) DO NOTHING', [
        key,
        jsonText(value ?? {}),
      ])
      return get(key)
    },
    async set(key, value) {
      await sql.query(
        'INSERT INTO instance (key, value) VALUES ($1, $2::jsonb) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
        [key, jsonText(value ?? {})],
      )
    },
  }
}
