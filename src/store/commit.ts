import { newId } from './ids.ts'
import { type ChainEnd, CHAIN_START, extend, type Link } from '../core/chain.ts'
import { laneOf } from '../core/effecttable.ts'
import { spent } from '../core/policy.ts'
import { workOf } from '../core/task/work.ts'
import { effectRow, EFFECTS_UPSERT, FINISH, LANES_UPSERT, laneRows } from './effects.ts'
import { decidedSets, stillOpen } from './inbox.ts'
import { cleanText, jsonText, plainOf } from './json.ts'
import { holds } from './leases.ts'
import { isDeadlock, isUniqueViolation, Params, type Sql } from './sql.ts'
import { type Commit, Conflict, Fenced, Settled } from './types.ts'

/**
 * A commit as one SQL statement: state, events, effects with their lanes, and what they answer, all or nothing, in one
 * round trip. The parts are data-modifying CTEs; all of them depend on `written`, which writes only at the version the
 * decision was made on, while the claim holds, and while what is to be settled is not settled yet.
 */
export async function commitTask(sql: Sql, commit: Commit, chain: ChainEnd | undefined): Promise<ChainEnd> {
  const before = commit.basedOn === 0 ? CHAIN_START : await chainBefore(sql, commit, chain)
  const { hashes, end } = extend(before, linksOf(commit))
  const params = new Params()
  const parts = [
    ...guards(commit, params),
    written(commit, end, params),
    ...(commit.events.length > 0 ? [events(commit, hashes, params)] : []),
    ...effects(commit, params),
    ...settled(commit, params),
  ]
  const text = `WITH ${parts.join(',\n')}\nSELECT (SELECT count(*) FROM written)::int AS written, ${commit.fence ? '(SELECT count(*) FROM fence)::int' : '1'} AS fenced, ${hasGuard(commit) ? '(SELECT count(*) FROM guard)::int' : '1'} AS guarded`
  const { rows } = await run(sql, text, params, commit)
  const [row] = rows
  if (Number(row?.['written']) === 1) return end
  if (Number(row?.['fenced']) === 0) throw new Fenced(`somebody else has ${commit.fence?.name ?? ''} now`)
  if (Number(row?.['guarded']) === 0) throw new Settled('this was settled before')
  throw new Conflict(`task ${commit.task.id} is no longer at version ${commit.basedOn}`)
}

async function run(sql: Sql, text: string, params: Params, commit: Commit) {
  try {
    return await sql.query(text, params.values)
  } catch (error) {
    // Two that wait for each other's rows: the one that is sent away decides again.
    if (isDeadlock(error)) throw new Conflict('another commit was in the way')
    // The only rows that could be there already: the turn, or a new task's, written by an earlier try whose answer was lost.
    if (isUniqueViolation(error))
      throw commit.turn ? new Settled('this turn is saved') : new Conflict('the task is there')
    throw error
  }
}

function hasGuard({ inbound, effectDone }: Commit): boolean {
  return inbound !== undefined || effectDone !== undefined
}

function guards({ fence, inbound, effectDone }: Commit, params: Params): string[] {
  const guard = inbound
    ? `SELECT 1 FROM inbound_event WHERE ${stillOpen(inbound.id, inbound.part, params)} FOR UPDATE`
    : effectDone
      ? `SELECT 1 FROM effect WHERE id = ${params.add(effectDone.id)} AND done_revision < ${params.add(effectDone.revision)}::int FOR UPDATE`
      : undefined
  return [
    ...(fence ? [`fence AS (${holds(fence, params.add(fence.name), params.add(fence.token))} FOR SHARE)`] : []),
    ...(guard ? [`guard AS (${guard})`] : []),
  ]
}

function written(commit: Commit, end: ChainEnd, params: Params): string {
  const { task, basedOn, at } = commit
  const { owner, name } = task.origin.repository
  const work = workOf(task)
  const allowed = [
    ...(commit.fence ? ['EXISTS (SELECT 1 FROM fence)'] : []),
    ...(hasGuard(commit) ? ['EXISTS (SELECT 1 FROM guard)'] : []),
  ]
  const columns: readonly (readonly [column: string, value: unknown, type: string])[] = [
    ['status', task.status, 'text'],
    ['workflow', task.workflow, 'text'],
    ['title', cleanText((task.spec?.title ?? task.origin.title).slice(0, 300)), 'text'],
    ['state', jsonText(task), 'jsonb'],
    ['version', task.version, 'int'],
    ['stamp', task.version, 'int'],
    ['cost_usd', spent(task), 'double precision'],
    ['updated_at', new Date(at), 'timestamptz'],
    ['finished_at', task.finishedAt === undefined ? null : new Date(task.finishedAt), 'timestamptz'],
    ['work', work.length > 0 ? jsonText(work) : null, 'jsonb'],
    ['chain_seq', end.seq, 'int'],
    ['chain_hash', end.hash, 'text'],
  ]
  if (basedOn > 0) {
    const sets = columns.map(([column, value, type]) => `${column} = ${params.add(value)}::${type}`).join(', ')
    const where = [`id = ${params.add(task.id)}`, `version = ${params.add(basedOn)}::int`, ...allowed].join(' AND ')
    return `written AS (UPDATE task SET ${sets} WHERE ${where} RETURNING id)`
  }
  const fresh = [
    ...columns,
    ['id', task.id, 'text'],
    ['conversation_id', task.conversationId, 'text'],
    ['repository', `${owner}/${name}`, 'text'],
    ['created_at', new Date(at), 'timestamptz'],
  ] as const
  const values = fresh.map(([, value, type]) => `${params.add(value)}::${type}`).join(', ')
  return `written AS (INSERT INTO task (${fresh.map(([column]) => column).join(', ')}) SELECT ${values} ${allowed.length > 0 ? `WHERE ${allowed.join(' AND ')}` : ''} RETURNING id)`
}

const IF_WRITTEN = 'EXISTS (SELECT 1 FROM written)'

function linksOf({ task, basedOn, events, at, actor, reason }: Commit): Link[] {
  return events.map(({ type, ...data }, index) => ({
    taskId: task.id,
    seq: basedOn + index + 1,
    type,
    data: plainOf(data),
    at: Math.round(at),
    actor,
    reason,
  }))
}

function events(commit: Commit, hashes: readonly string[], params: Params): string {
  const rows = linksOf(commit).map((link, index) => ({ ...link, at: new Date(link.at), hash: hashes[index] }))
  return `events AS (INSERT INTO task_event (task_id, seq, type, data, at, actor, reason, hash)
    SELECT ${params.add(commit.task.id)}, seq, type, data, at, actor, reason, hash
    FROM jsonb_to_recordset(${params.add(jsonText(rows))}::jsonb) AS e(seq int, type text, data jsonb, at timestamptz, actor text, reason text, hash text) WHERE ${IF_WRITTEN})`
}

function effects({ task, effects: intents, beside = [] }: Commit, params: Params): string[] {
  if (intents.length + beside.length === 0) return []
  const { conversationId } = task
  const others = beside.map((intent) =>
    effectRow(
      newId(),
      conversationId,
      conversationId,
      undefined,
      intent,
      laneOf(conversationId, conversationId, intent),
    ),
  )
  // Acknowledgements first: they are seen in this order.
  const mine = intents.map((intent) =>
    effectRow(newId(), task.id, task.conversationId, task.id, intent, laneOf(task.id, task.conversationId, intent)),
  )
  const rows = [...others, ...mine]
  return [
    `effects AS (${EFFECTS_UPSERT(params.add(jsonText(rows)), `WHERE ${IF_WRITTEN}`)})`,
    `lanes AS (${LANES_UPSERT(params.add(jsonText(laneRows(rows))), `WHERE ${IF_WRITTEN}`)})`,
  ]
}

/** What the same statement settles besides the task: the event answered, the turn paid for, the effect sent, new places. */
function settled(commit: Commit, params: Params): string[] {
  const { task, inbound, turn, effectDone, effectFailed, links, unlinks } = commit
  const parts: string[] = []
  if (commit.release && commit.fence?.table === 'lease')
    parts.push(
      `released AS (DELETE FROM lease WHERE name = ${params.add(commit.fence.name)} AND token = ${params.add(commit.fence.token)}::bigint AND ${IF_WRITTEN})`,
    )
  if (inbound) {
    const { id, decision, kind, part } = inbound
    const sets = decidedSets(decision, { conversationId: task.conversationId, taskId: task.id, kind, part }, params)
    parts.push(`decided AS (UPDATE inbound_event SET ${sets} WHERE id = ${params.add(id)} AND ${IF_WRITTEN})`)
  }
  if (turn) {
    const { taskId, step, attempt, ordinal, model, response, results, inputTokens, outputTokens, costUsd } = turn
    const values = [
      taskId,
      step,
      attempt,
      ordinal,
      model,
      jsonText(response),
      jsonText(results),
      inputTokens,
      outputTokens,
      costUsd,
    ]
    const types = ['text', 'text', 'int', 'int', 'text', 'jsonb', 'jsonb', 'int', 'int', 'double precision']
    parts.push(`turn_saved AS (INSERT INTO turn (task_id, step, attempt, ordinal, model, response, results, input_tokens, output_tokens, cost_usd)
      SELECT ${values.map((value, index) => `${params.add(value)}::${types[index] ?? 'text'}`).join(', ')} WHERE ${IF_WRITTEN})`)
  }
  if (effectDone)
    parts.push(
      `effect_done AS (${FINISH(params.add(effectDone.id), params.add(effectDone.revision), params.add(jsonText(effectDone.result)))} AND ${IF_WRITTEN})`,
    )
  if (effectFailed)
    parts.push(
      `effect_failed AS (UPDATE effect SET status = 'failed', error = ${params.add(cleanText(effectFailed.error.slice(0, 4000)))} WHERE id = ${params.add(effectFailed.id)} AND ${IF_WRITTEN})`,
    )
  if (links && links.length > 0)
    parts.push(
      `links AS (INSERT INTO conversation_link (key, conversation_id) SELECT unnest(${params.add(links)}::text[]), ${params.add(task.conversationId)} WHERE ${IF_WRITTEN} ON CONFLICT DO NOTHING)`,
    )
  if (unlinks && unlinks.length > 0)
    parts.push(
      `unlinks AS (DELETE FROM conversation_link WHERE key = ANY(${params.add(unlinks)}::text[]) AND conversation_id = ${params.add(task.conversationId)} AND ${IF_WRITTEN})`,
    )
  return parts
}

/** The end of the chain at the version the decision was made on. An older version wrote events without going on with it: then it is made up for. */
async function chainBefore(sql: Sql, { task, basedOn }: Commit, chain: ChainEnd | undefined): Promise<ChainEnd> {
  if (chain?.seq === basedOn) return chain
  const from = chain && chain.seq < basedOn ? chain : CHAIN_START
  const { rows } = await sql.query(
    'SELECT task_id, seq, type, data, at, actor, reason FROM task_event WHERE task_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq',
    [task.id, from.seq, basedOn],
  )
  return extend(from, rows.map(linkOf)).end
}

/** A stored row as the chain covers it. */
export function linkOf(row: Readonly<Record<string, unknown>>): Link {
  return {
    taskId: String(row['task_id']),
    seq: Number(row['seq']),
    type: String(row['type']),
    data: row['data'],
    at: new Date(row['at'] instanceof Date ? row['at'] : String(row['at'])).getTime(),
    actor: typeof row['actor'] === 'string' ? row['actor'] : null,
    reason: typeof row['reason'] === 'string' ? row['reason'] : null,
  }
}
