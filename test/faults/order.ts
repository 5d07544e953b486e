import { canonicalJson } from '../../src/core/hash.ts'
import type { Task } from '../../src/core/task/types.ts'
import { Field } from './support/field.ts'
import { shaFor } from './support/ledger.ts'
import { type Fault, sleep } from './support/suite.ts'
import { commented, envelope } from './support/hooks.ts'
import { Yard } from './support/yard.ts'

/** What arrives in another order, or late, or not at all. */

/** What counts of a task, whatever the order was in which it became so. */
function essence(task: Task): string {
  const byId = <T extends { id: number }>(list: readonly T[]) => list.map((one) => one.id).toSorted((a, b) => a - b)
  return canonicalJson({
    status: task.status,
    gate: task.gates[0]?.kind,
    steps: task.steps.map(({ id, status, attempt }) => [id, status, attempt]),
    pending: byId(task.review.pending),
    ledger: byId(task.review.ledger.map((entry) => entry.comment)),
    reviewers: task.review.reviewers.map((one) => one.login).toSorted(),
    head: task.headSha !== undefined,
    failedChecks: task.failedChecks.map((one) => one.name),
    notes: task.notes.length,
    approvals: task.approvals.length,
  })
}

function* ordersOf<T>(items: readonly T[]): Generator<T[]> {
  if (items.length === 0) return yield []
  for (const [index, item] of items.entries())
    for (const rest of ordersOf(items.toSpliced(index, 1))) yield [item, ...rest]
}

const r8: Fault = {
  id: 'R8',
  title: 'all orders of six events about a pull request',
  wanted: '720 of 720 end in the same state',
  async run(context) {
    const yard = await Yard.open({
      databaseUrl: await context.database(),
      redisUrl: context.redis.url,
      release: false,
      merges: false,
      quiet: '1h',
    })
    try {
      await yard.spawn('web')
      await yard.spawn('worker')
      await yard.spawn('worker')
      const all = [...ordersOf([0, 1, 2, 3, 4, 5])]
      const orders = context.full ? all : all.filter((_, index) => index % 40 === 7)
      await yard.askMany(1, orders.length)
      const until = Date.now() + 180_000
      while (
        (await yard.count("task WHERE state->'pullRequest'->>'draft' = 'false'")) < orders.length &&
        Date.now() < until
      )
        await sleep(200)
      const { rows } = await yard.db.query<{ number: number; pull: number }>(
        "SELECT (state->'origin'->>'number')::int AS number, (state->'pullRequest'->>'number')::int AS pull FROM task",
      )
      const pulls = new Map(rows.map((row) => [row.number, row.pull]))
      await Promise.all(
        orders.map(async (order, index) => {
          const number = index + 1
          const events = sixEvents(number, pulls.get(number) ?? 0)
          for (const which of order) {
            const [event, payload] = events[which] ?? events[0] ?? ['', {}]
            await yard.post(event, payload)
          }
        }),
      )
      const settledBy = Date.now() + 120_000
      while ((await yard.count('inbound_event WHERE decided_at IS NULL')) > 0 && Date.now() < settledBy)
        await sleep(200)
      const states = await yard.db.query<{ state: Task }>('SELECT state FROM task')
      const kinds = Map.groupBy(
        states.rows.map(({ state }) => essence(state).replaceAll(/1\d{6}/g, (id) => `c${Number(id) % 10}`)),
        (one) => one,
      )
      const first = [...kinds.keys()][0] ?? ''
      return {
        number: `${Math.max(...[...kinds.values()].map((one) => one.length))} of ${orders.length}`,
        problems: [
          ...(kinds.size === 1
            ? []
            : [`${kinds.size} different states: ${[...kinds.keys()].map((one) => one.slice(0, 300)).join(' | ')}`]),
          ...(first.includes('"pending":["c') || first.includes('c1')
            ? []
            : [`the events changed nothing: ${first.slice(0, 200)}`]),
        ],
      }
    } finally {
      await yard.close()
    }
  },
}

/** Two inline comments and the review they belong to, a failed check of an older head, an edited comment, small talk. */
function sixEvents(number: number, pull: number): [string, Record<string, unknown>][] {
  const at = new Date().toISOString()
  const base = 1_000_000 + number * 10
  const inline = (nth: number) => ({
    action: 'created',
    comment: {
      id: base + nth,
      body: `Point ${nth}`,
      path: 'a.ts',
      line: nth,
      pull_request_review_id: base,
      user: envelope(number).sender,
      created_at: at,
    },
    pull_request: { number: pull },
    ...envelope(number),
  })
  return [
    ['pull_request_review_comment', inline(1)],
    ['pull_request_review_comment', inline(2)],
    [
      'pull_request_review',
      {
        action: 'submitted',
        review: {
          id: base,
          body: 'Please change this.',
          state: 'changes_requested',
          user: envelope(number).sender,
          submitted_at: at,
        },
        pull_request: { number: pull },
        ...envelope(number),
      },
    ],
    [
      'check_run',
      {
        action: 'completed',
        check_run: {
          name: 'ci',
          head_sha: shaFor(999_999),
          conclusion: 'failure',
          pull_requests: [{ number: pull }],
          app: { id: 99 },
        },
        ...envelope(number),
      },
    ],
    ['issue_comment', { ...commented(number, base + 8, '@muster cancel'), action: 'edited' }],
    ['issue_comment', commented(number, base + 9, 'Looks good to me.')],
  ]
}

const r11: Fault = {
  id: 'R11',
  title: 'the app is down while 1,000 deliveries fail; then for over three days',
  wanted: '100 % once, within 5 min',
  async run(context) {
    const field = await Field.open({
      databaseUrl: await context.database(),
      redisUrl: context.redis.url,
      release: false,
    })
    try {
      const { world, people } = field.stage
      const server = await field.spawn('start')
      await sleep(500)
      await server.stop()
      const wanted = context.pick(50, 1000)
      const issue = await people.openIssue('alice', 'Talk', 'Just talk.')
      for (let nth = 1; nth < wanted; nth++) await people.comment('alice', issue.number, `Comment ${nth}`)
      const started = performance.now()
      await field.spawn('start')
      const guids = new Set(world.deliveries.map((one) => one.guid))
      const seen = () =>
        field.count(
          `(SELECT DISTINCT delivery_id FROM inbound_event WHERE source = 'github' AND duplicate_of IS NULL) AS x`,
        )
      while ((await seen()) < guids.size && performance.now() - started < 300_000) await sleep(200)
      const seconds = (performance.now() - started) / 1000
      const stored = await seen()
      const long = await longAbsence(field)
      return {
        number: `${stored} of ${guids.size} after ${seconds.toFixed(1)} s; after four days ${long.length === 0 ? 'a label and a comment found' : 'not'}`,
        problems: [...(stored === guids.size ? [] : [`${stored} of ${guids.size}`]), ...long],
      }
    } finally {
      await field.close()
    }
  },
}

/** All of it happened four days ago, and no delivery is left of it. */
function backdate(world: Field['stage']['world']): void {
  world.deliveries.length = 0
  const at = new Date(Date.now() - 4 * 86_400_000).toISOString().replace(/\.\d{3}Z$/, 'Z')
  for (const one of [...world.issueEvents, ...world.comments]) Object.assign(one, { createdAt: at, updatedAt: at })
}

/** Longer than GitHub keeps deliveries: what happened is read from the repository, and what arrived before is not done twice. */
async function longAbsence(field: Field): Promise<string[]> {
  const { world, people } = field.stage
  await Promise.all(field.processes.map((one) => one.stop()))
  await field.db.query(
    "UPDATE instance SET value = to_jsonb((EXTRACT(EPOCH FROM now() - interval '5 days') * 1000)::bigint) WHERE key = 'watermark.github'",
  )
  await field.ask('Found after a long absence')
  backdate(world)
  const server = await field.spawn('start')
  try {
    await field.settled(1, 400_000)
  } catch (error) {
    return [String(error)]
  }
  const late = world.issues.find((one) => one.title === 'Found after a long absence')?.number ?? 0
  await server.stop()
  await people.comment('alice', late, '@muster why')
  backdate(world)
  await field.db.query(
    "UPDATE instance SET value = to_jsonb((EXTRACT(EPOCH FROM now() - interval '5 days') * 1000)::bigint) WHERE key = 'watermark.github'",
  )
  await field.spawn('start')
  const until = Date.now() + 30_000
  const answered = () =>
    world.comments.filter((one) => one.issue === late && one.user === world.bot && one.body.includes('| ')).length
  while (answered() === 0 && Date.now() < until) await sleep(200)
  const tasks = await field.count('task')
  return [
    ...(answered() === 1 ? [] : [`the comment was answered ${answered()} times`]),
    ...(tasks === 1 ? [] : [`${tasks} tasks for one label`]),
  ]
}

export const ORDER: readonly Fault[] = [r8, r11]
