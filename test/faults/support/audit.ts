import { markerIn } from '../../../src/channels/github/render.ts'
import type { Field } from './field.ts'

/** What was seen twice, and what was never seen, of everything that a number of finished tasks owe. */
export interface Audit {
  readonly duplicates: readonly string[]
  readonly lost: readonly string[]
}

/** What one task with a release is seen by: its status comment, the release plan, the report, the reaction, and so on; that it waits for its turn is seen or not. */
const WANTED = { comments: 3, reactions: 2, pulls: 1, checks: 1, deployments: 1, statuses: 3, applied: 1 } as const

/** Looks at GitHub's side, not at Muster's own books. */
export async function audit(field: Field): Promise<Audit> {
  const { world } = field.stage
  const duplicates: string[] = []
  const lost: string[] = []
  const seen = new Set<string>()
  const once = (key: string) => (seen.has(key) ? duplicates.push(key) : void seen.add(key))
  for (const comment of world.comments)
    if (comment.user === world.bot) once(`comment ${markerIn(comment.body) ?? comment.body.slice(0, 40)}`)
  for (const run of world.checkRuns) once(`check on ${run.headSha}`)
  for (const issue of world.issues) if (issue.pull) once(`pull request from ${issue.pull.head}`)
  for (const deployment of world.deployments) {
    once(`deployment ${JSON.stringify(deployment.payload)}`)
    for (const status of deployment.statuses) once(`status ${status.state} of ${deployment.id}: ${status.description}`)
  }
  for (const id of field.told.applied) once(`deploy ${id}`)
  const tasks = await field.db.query<{ number: number; n: number }>(
    "SELECT (state->'origin'->>'number')::int AS number, count(*)::int AS n FROM task GROUP BY 1",
  )
  const byIssue = new Map(tasks.rows.map((row) => [row.number, row.n]))
  const asked = world.issues.filter((issue) => !issue.pull && issue.labels.includes('muster'))
  const comments = Map.groupBy(
    world.comments.filter((one) => one.user === world.bot),
    (one) => one.issue,
  )
  for (const { number } of asked) {
    const count = byIssue.get(number) ?? 0
    if (count > 1) duplicates.push(`${count} tasks for issue ${number}`)
    if (count === 0) lost.push(`the task of issue ${number}`)
    const mine = comments.get(number) ?? []
    const cards = mine.filter((one) => one.body.includes('### Muster: ')).length
    if (cards > 1) duplicates.push(`${cards} status comments on #${number}`)
    if (field.options.release !== false && mine.length < WANTED.comments) lost.push(`a comment on #${number}`)
    if (mine.length > WANTED.comments) duplicates.push(`a comment on #${number}`)
  }
  const totals = {
    reactions: world.reactions.length,
    pulls: world.issues.filter((one) => one.pull).length,
    checks: world.checkRuns.length,
    ...(field.options.release === false
      ? {}
      : {
          deployments: world.deployments.length,
          statuses: world.deployments.reduce((sum, { statuses }) => sum + statuses.filter(hasBegun).length, 0),
          applied: field.told.applied.length,
        }),
  }
  for (const [what, count] of Object.entries(totals)) {
    const wanted = asked.length * (WANTED[what as keyof typeof WANTED] ?? 0)
    if (count < wanted) lost.push(`${wanted - count} ${what}`)
    if (count > wanted) duplicates.push(`${count - wanted} ${what} too many`)
  }
  return { duplicates, lost }
}

/** Whether a deployment has its turn. */
function hasBegun({ state }: { readonly state: string }): boolean {
  return state !== 'queued'
}
