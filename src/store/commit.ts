import { newId } from './ids.ts'
import { type ChainEnd, CHAIN_START, extend, type Link } from '../core/chain.ts'
import { spent } from '../core/policy.ts'
import { workOf } from '../core/task/work.ts'
import { COMMIT } from './commitsql.ts'
import { type EffectRow, effectRow, laneRows } from './effectrows.ts'
import { gathered } from './gather.ts'
import { decisionRow } from './inbox.ts'
import { jsonText, plainOf } from './json.ts'
import { isDeadlock, isUniqueViolation, type Sql } from './sql.ts'
import { type Commit, Conflict, Fenced, Settled } from './types.ts'

/** So many commits share a statement; each may bring as much as a task has. */
const MOST = 32

interface Item {
  readonly commit: Commit
  readonly links: readonly Link[]
  readonly hashes: readonly string[]
  readonly end: ChainEnd
}

/** What became of a commit. */
interface Result {
  readonly written: boolean
  readonly fenced: boolean
  readonly guarded: boolean
}

/**
 * Writes commits, those that come together in one statement. What is in the way of one of them is that one's alone.
 * @returns the new end of the chain. @throws Conflict, Fenced, Settled
 */
export function commitWriter(sql: Sql): (commit: Commit) => Promise<ChainEnd> {
  const write = gathered({ atOnce: sql.atOnce, run: (batch) => run(sql, batch), most: MOST, keysOf })
  return async (commit) => {
    const before = commit.basedOn === 0 ? CHAIN_START : await chainBefore(sql, commit)
    const links = linksOf(commit)
    const { hashes, end } = extend(before, links)
    const { written, fenced, guarded } = await write({ commit, links, hashes, end }).catch((error: unknown) => {
      throw knownError(commit, error)
    })
    if (written) return end
    if (!fenced) throw new Fenced(`somebody else has ${commit.fence?.name ?? ''} now`)
    if (!guarded) throw new Settled('this was settled before')
    throw new Conflict(`task ${commit.task.id} is no longer at version ${commit.basedOn}`)
  }
}

/** What it writes: two commits to the same of it follow each other. */
function keysOf({ commit: { task, inbound, effectDone } }: Item): string[] {
  return [task.conversationId, ...(inbound ? [inbound.id] : []), ...(effectDone ? [effectDone.id] : [])]
}

function knownError(commit: Commit, error: unknown): unknown {
  // Two that wait for each other's rows: the one that is sent away decides again.
  if (isDeadlock(error)) return new Conflict('another commit was in the way')
  // The only rows that could be there already: the turn, or a new task's, written by an earlier try whose answer was lost.
  if (isUniqueViolation(error))
    return commit.turn ? new Settled('this turn is saved') : new Conflict('the task is there')
  return error
}

async function run(sql: Sql, batch: readonly Item[]): Promise<Result[]> {
  // In one order everywhere, so that two statements do not wait for each other's rows.
  const conversation = ({ commit }: Item) => commit.task.conversationId
  const ordered = [...batch.entries()].toSorted(([, a], [, b]) => (conversation(a) < conversation(b) ? -1 : 1))
  const of = <T>(rows: (item: Item) => readonly T[]) =>
    ordered.flatMap(([n, item]) => rows(item).map((row) => ({ ...row, n })))
  const effects = of(({ commit }) => effectRows(commit))
  const tables = [
    of((item) => [taskRow(item)]),
    of(eventRows),
    of(({ commit: { turn } }) => (turn ? [turnRow(turn)] : [])),
    effects,
    laneRows(effects),
    of(({ commit }) => keyRows(commit.links)),
    of(({ commit }) => keyRows(commit.unlinks)),
  ]
  const { rows } = await sql.query(COMMIT, tables.map(jsonText))
  return rows.map(({ written, fenced, guarded }) => ({
    written: written === true,
    fenced: fenced === true,
    guarded: guarded === true,
  }))
}

/** The row of a commit: the task, what it is based on, and what it settles. */
function taskRow({ commit, end }: Item) {
  const { task, basedOn, at, fence, release, inbound, effectDone, effectFailed } = commit
  const { owner, name } = task.origin.repository
  const work = workOf(task)
  return {
    id: task.id,
    based_on: basedOn,
    conversation_id: task.conversationId,
    repository: `${owner}/${name}`,
    status: task.status,
    workflow: task.workflow,
    title: (task.spec?.title ?? task.origin.title).slice(0, 300),
    state: task,
    version: task.version,
    cost_usd: spent(task),
    at: new Date(at),
    finished_at: task.finishedAt === undefined ? null : new Date(task.finishedAt),
    work: work.length > 0 ? work : null,
    chain_seq: end.seq,
    chain_hash: end.hash,
    ...(fence ? { fence_table: fence.table, fence_name: fence.name, fence_token: fence.token } : {}),
    release: release === true && fence?.table === 'lease',
    ...(inbound ? { inbound_id: inbound.id, ...decisionRow(inbound.decision, inbound) } : {}),
    ...(effectDone
      ? { done_id: effectDone.id, done_revision: effectDone.revision, done_result: effectDone.result }
      : {}),
    ...(effectFailed ? { failed_id: effectFailed.id, failed_error: effectFailed.error.slice(0, 4000) } : {}),
  }
}

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

function eventRows({ links, hashes }: Item) {
  return links.map((link, index) => ({ ...link, at: new Date(link.at), hash: hashes[index] }))
}

function turnRow(turn: NonNullable<Commit['turn']>) {
  const { taskId, step, attempt, ordinal, model, response, results, inputTokens, outputTokens, costUsd } = turn
  const { provider, tier, reason, ms, cacheReadTokens, cacheWriteTokens, prompt, opening } = turn
  return {
    task_id: taskId,
    step,
    attempt,
    ordinal,
    model,
    response,
    results,
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    cost_usd: costUsd,
    provider,
    tier,
    reason,
    ms,
    cache_read_tokens: cacheReadTokens,
    cache_write_tokens: cacheWriteTokens,
    prompt,
    opening,
  }
}

function effectRows({ task, effects, beside = [] }: Commit): EffectRow[] {
  const { id, conversationId } = task
  // Acknowledgements first: they are seen in this order.
  return [
    ...beside.map((intent) => effectRow(newId(), conversationId, conversationId, undefined, intent)),
    ...effects.map((intent) => effectRow(newId(), id, conversationId, id, intent)),
  ]
}

function keyRows(keys: readonly string[] = []): { key: string }[] {
  return [...new Set(keys)].map((key) => ({ key }))
}

/** The end of the chain at the version the decision was made on. An older version wrote events without going on with it: then it is made up for. */
async function chainBefore(sql: Sql, { task, basedOn, chain }: Commit): Promise<ChainEnd> {
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
