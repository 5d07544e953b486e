import { type ChainEnd, historyProblems, type Link } from '../core/chain.ts'
import { canonicalJson } from '../core/hash.ts'
import { replay } from '../core/task/evolve.ts'
import { readTask, type StoredTask } from '../core/task/stored.ts'
import type { Task, TaskEvent } from '../core/task/types.ts'
import { linkOf } from './commit.ts'
import { fromJson, plainOf } from './json.ts'
import type { Sql } from './sql.ts'
import type { Exported, Verdict } from './types.ts'

/** Everything that is stored about a task, as it stands in the tables; undefined: there is no such task. */
export async function exportTask(sql: Sql, id: string): Promise<Exported | undefined> {
  const rowsOf = async (text: string) => (await sql.query(text, [id])).rows
  const [task] = await rowsOf('SELECT * FROM task WHERE id = $1')
  if (!task) return undefined
  return {
    format: 1,
    task,
    // What was committed since the task was read belongs to a later state.
    events: (
      await sql.query('SELECT * FROM task_event WHERE task_id = $1 AND seq <= $2 ORDER BY seq', [id, task['version']])
    ).rows,
    turns: await rowsOf('SELECT * FROM turn WHERE task_id = $1 ORDER BY at, ordinal'),
    effects: await rowsOf('SELECT * FROM effect WHERE task_id = $1 ORDER BY ordinal'),
    inbound: await rowsOf(
      "SELECT id, source, delivery_id, kind, received_at, encode(body, 'base64') AS body_base64, duplicate_of, outcome, reason, detail, decided_at, attempts FROM inbound_event WHERE task_id = $1 ORDER BY seq",
    ),
    releases: await rowsOf('SELECT * FROM release WHERE task_id = $1 ORDER BY created_at'),
    places: await rowsOf(
      'SELECT key FROM conversation_link WHERE conversation_id = (SELECT conversation_id FROM task WHERE id = $1) ORDER BY made_at, key',
    ),
  }
}

/** Replays a task's history, and compares it with the stored state and the hash chain. */
export function verifyExport({ task, events }: Exported): Verdict {
  const links = events.map((row): Link & { hash: string | null } => ({
    ...linkOf(row),
    hash: typeof row['hash'] === 'string' ? row['hash'] : null,
  }))
  const { chain_seq: seq, chain_hash: hash } = task
  const end: ChainEnd | undefined = typeof seq === 'number' && typeof hash === 'string' ? { seq, hash } : undefined
  const unchained = links.filter((link) => link.hash === null).length
  const problems = historyProblems(links, end, Number(task['version']), isReplayed(task['state'], links))
  return { ok: problems.length === 0, problems, events: links.length, unchained }
}

/** Before 0.5 there was one gate at a time. */
function isOld(state: unknown): boolean {
  return typeof state === 'object' && state !== null && !('gates' in state)
}

/** What later versions derive from a history, an older state does not have. */
function asKnownThen(task: Task | undefined, stored: Task): Task | undefined {
  if (!task || 'settled' in stored) return task
  const { settled: _, ...rest } = task
  return rest
}

function isReplayed(state: unknown, links: readonly Link[]): boolean {
  const history = links.map(({ type, data, at }) => ({
    event: fromJson<TaskEvent>({ type, ...fromJson<object>(data) }),
    at,
  }))
  try {
    const stored = readTask(fromJson<StoredTask>(state))
    const replayed = isOld(state) ? asKnownThen(replay(history), stored) : replay(history)
    return canonicalJson(plainOf(replayed)) === canonicalJson(plainOf(stored))
  } catch {
    return false
  }
}
