import { EFFECTS_UPSERT, FINISHED, LANES_UPSERT } from './effectrows.ts'
import { DECIDED, DECISION_COLUMNS, STILL_OPEN } from './inbox.ts'
import { HELD } from './leases.ts'

/** The columns of a commit, `c`: which of the batch it is, what it is based on, what it writes, on what condition, and what it settles. */
const COMMIT_COLUMNS = `n int, id text, based_on int, conversation_id text, repository text, status text, workflow text, title text, state jsonb,
  version int, cost_usd double precision, at timestamptz, finished_at timestamptz, work jsonb, chain_seq int, chain_hash text,
  fence_table text, fence_name text, fence_token bigint, release boolean, inbound_id text, ${DECISION_COLUMNS},
  done_id text, done_revision int, done_result jsonb, failed_id text, failed_error text`
/** The same by their names. No star stands in this statement: it would not be prepared (see `postgres.ts`). */
const NAMES = COMMIT_COLUMNS.split(',').map((column) => column.trim().split(' ')[0] ?? '')
const columns = (names: readonly string[]) => names.map((name) => `c.${name}`).join(', ')
const ALL = columns(NAMES)
/** What is still needed once the task itself is written. Its state is large, and each part would copy it. */
const REST = columns(NAMES.filter((name) => name !== 'state' && name !== 'work'))
const EVENT_COLUMNS = 'n int, seq int, type text, data jsonb, at timestamptz, actor text, reason text, hash text'
const TURN_COLUMNS = `n int, task_id text, step text, attempt int, ordinal int, model text, response jsonb, results jsonb,
  input_tokens int, output_tokens int, cost_usd double precision, provider text, tier text, reason text, ms int, cache_read_tokens int,
  cache_write_tokens int, prompt text, opening text`

const TURN = TURN_COLUMNS.split(',')
  .map((column) => column.trim().split(' ')[0] ?? '')
  .filter((name) => name !== 'n')

/** What is always written of a task. */
const TASK = [
  'status',
  'workflow',
  'title',
  'state',
  'version',
  'cost_usd',
  'finished_at',
  'work',
  'chain_seq',
  'chain_hash',
]
const NEW_TASK = ['id', 'conversation_id', 'repository', ...TASK]

/** The claims of a table that still hold; in one order everywhere, so that nobody waits in a circle. */
const fenced = (
  table: string,
) => `SELECT c.n FROM (SELECT n, fence_name, fence_token FROM c WHERE fence_table = '${table}' ORDER BY fence_name) AS c
    CROSS JOIN LATERAL (SELECT 1 FROM ${table} l WHERE ${HELD('l', 'c.fence_name', 'c.fence_token')} LIMIT 1 FOR SHARE) AS held`
/** The ids in a column of what was written, so that its rows are found by their keys. */
const ids = (column: string) => `ANY(ARRAY(SELECT ${column} FROM w WHERE ${column} IS NOT NULL))`
const IF_WRITTEN = 'JOIN w USING (n)'

/**
 * Commits as one SQL statement: state, events, effects with their lanes, and what they answer, in one round trip, each of them all or
 * nothing. The parts are data-modifying CTEs; all of them depend on `w`, which has those that were written: at the version the
 * decision was made on, while the claim holds, and while what is to be settled is not settled yet.
 * $1 commits, $2 events, $3 turns, $4 effects, $5 lanes, $6 links, $7 unlinks; `n` says whose each is.
 */
export const COMMIT = `WITH c AS (SELECT ${ALL} FROM jsonb_to_recordset($1::jsonb) AS c(${COMMIT_COLUMNS})),
  lease_held AS (${fenced('lease')}),
  lane_held AS (${fenced('effect_lane')}),
  undecided AS (SELECT d.n FROM (SELECT n, inbound_id, decided_nth FROM c WHERE inbound_id IS NOT NULL ORDER BY inbound_id) AS d
    CROSS JOIN LATERAL (SELECT 1 FROM inbound_event e WHERE e.id = d.inbound_id AND ${STILL_OPEN} LIMIT 1 FOR UPDATE) AS open),
  unsettled AS (SELECT d.n FROM (SELECT n, done_id, done_revision FROM c WHERE done_id IS NOT NULL ORDER BY done_id) AS d
    CROSS JOIN LATERAL (SELECT 1 FROM effect e WHERE e.id = d.done_id AND e.done_revision < d.done_revision LIMIT 1 FOR UPDATE) AS open),
  checked AS (SELECT c.n, fence_name IS NULL OR c.n IN (SELECT n FROM lease_held) OR c.n IN (SELECT n FROM lane_held) AS fenced,
      (inbound_id IS NULL OR c.n IN (SELECT n FROM undecided)) AND (done_id IS NULL OR c.n IN (SELECT n FROM unsettled)) AS guarded FROM c),
  allowed AS (SELECT ${ALL} FROM c JOIN checked USING (n) WHERE fenced AND guarded),
  updated AS (UPDATE task t SET ${TASK.map((column) => `${column} = a.${column}`).join(', ')}, stamp = a.version, updated_at = a.at
    FROM allowed a WHERE t.id = ANY(ARRAY(SELECT id FROM allowed)) AND t.id = a.id AND t.version = a.based_on RETURNING a.n),
  inserted AS (INSERT INTO task (${NEW_TASK.join(', ')}, stamp, created_at, updated_at)
    SELECT ${NEW_TASK.join(', ')}, version, at, at FROM allowed WHERE based_on = 0 RETURNING id),
  w AS (SELECT ${REST} FROM c WHERE n IN (SELECT n FROM updated) OR (based_on = 0 AND id IN (SELECT id FROM inserted))),
  events AS (INSERT INTO task_event (task_id, seq, type, data, at, actor, reason, hash)
    SELECT w.id, e.seq, e.type, e.data, e.at, e.actor, e.reason, e.hash FROM jsonb_to_recordset($2::jsonb) AS e(${EVENT_COLUMNS}) ${IF_WRITTEN}),
  turns AS (INSERT INTO turn (${TURN.join(', ')}) SELECT ${TURN.map((name) => `t.${name}`).join(', ')}
    FROM jsonb_to_recordset($3::jsonb) AS t(${TURN_COLUMNS}) ${IF_WRITTEN}),
  lanes AS (${LANES_UPSERT('$5', 'WHERE n IN (SELECT n FROM w)')} RETURNING 1),
  -- After the lanes, as whoever settles an effect does it, so that they do not wait for each other in a circle.
  effects AS (${EFFECTS_UPSERT('$4', 'WHERE n IN (SELECT n FROM w) AND (SELECT count(1) FROM lanes) >= 0')}),
  released AS (DELETE FROM lease l USING w WHERE l.name = ${ids('fence_name')} AND l.name = w.fence_name AND w.release),
  decided AS (UPDATE inbound_event e SET conversation_id = d.conversation_id, task_id = d.id, ${DECIDED}
    FROM w AS d WHERE e.id = ${ids('inbound_id')} AND e.id = d.inbound_id),
  done AS (UPDATE effect e SET ${FINISHED('d.done_revision', 'd.done_result')} FROM w AS d WHERE e.id = ${ids('done_id')} AND e.id = d.done_id),
  failed AS (UPDATE effect e SET status = 'failed', error = d.failed_error FROM w AS d WHERE e.id = ${ids('failed_id')} AND e.id = d.failed_id),
  links AS (INSERT INTO conversation_link (key, conversation_id)
    SELECT key, w.conversation_id FROM jsonb_to_recordset($6::jsonb) AS l(n int, key text) ${IF_WRITTEN} ORDER BY key ON CONFLICT DO NOTHING),
  unlinks AS (DELETE FROM conversation_link k USING jsonb_to_recordset($7::jsonb) AS l(n int, key text) ${IF_WRITTEN}
    WHERE k.key = l.key AND k.conversation_id = w.conversation_id)
  SELECT n, fenced, guarded, n IN (SELECT n FROM w) AS written FROM checked ORDER BY n`
