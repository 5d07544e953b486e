import { markerIn } from '../src/channels/github/render.ts'
import type { World } from './github/world.ts'
import type { Summary } from './narrator.ts'
import type { TaskView } from './observe.ts'
import type { Stage } from './stage.ts'

/** How the rehearsal was played. */
export interface Manner {
  readonly seconds: number
  readonly recorded: boolean
  readonly kept: boolean
  /** What the conversation looks like in the other channels, where the story is told there. */
  readonly conversation?: Summary['conversation']
}

/** What came of it, looked up from the outside: GitHub's own state, and the deployed service's answer. */
export async function summarise(
  stage: Stage,
  task: TaskView | undefined,
  outcome: string | undefined,
  { seconds, recorded, kept, conversation }: Manner,
): Promise<Summary> {
  const { world } = stage
  const issueNumber = task?.state.origin.number ?? 0
  const pull = world.issues.find((one) => one.pull && one.number === task?.state.pullRequest?.number)
  // What was asked in a ticket has no issue; its pull request closes one where there is one.
  const issue = world.issues.find((one) => !one.pull && one.number === issueNumber)
  const release = task?.state.releases.at(-1)?.report
  const verdict = task?.state.proofs.at(-1)?.verdict
  const comments = world.reviewComments.filter((one) => one.inReplyTo === undefined && one.pull === pull?.number)
  const answered = comments.filter((one) =>
    world.reviewComments.some((reply) => reply.inReplyTo === one.id && reply.user === world.bot),
  )
  const ledger = task?.state.review.ledger ?? []
  const problems = outcome === undefined ? await lookFromOutside(stage, pull?.pull?.merged?.sha) : []
  const sentTwice = duplicates(world)
  const url = (kind: string, number: number) =>
    `${world.url}/${stage.repo.owner.login}/${stage.repo.name}/${kind}/${number}`
  const facts = {
    issue: issue
      ? { number: issueNumber, title: issue.title, url: url('issues', issueNumber), closed: issue.state === 'closed' }
      : null,
    pullRequest: pull?.pull
      ? {
          number: pull.number,
          headSha: pull.pull.headSha,
          merged: pull.pull.merged !== undefined,
          url: url('pull', pull.number),
        }
      : null,
    proof: verdict ? { red: verdict.red, green: verdict.green } : null,
    review: {
      comments: ledger.length,
      answered: ledger.filter(
        (entry) =>
          entry.outcome !== 'open' &&
          (answered.some((one) => one.id === entry.comment.id) || !comments.some((one) => one.id === entry.comment.id)),
      ).length,
    },
    deployment: release
      ? { environment: 'production', sha: release.sha, url: release.url, verdict: release.verdict }
      : null,
    effects: { sent: effectsSeen(world), duplicates: sentTwice.length },
    cost: {
      usd: Math.round((task?.costUsd ?? 0) * 10_000) / 10_000,
      turns: task?.state.steps.reduce((sum, step) => sum + step.turns, 0) ?? 0,
    },
    seconds: Math.round(seconds * 10) / 10,
    recorded,
    kept,
    ...(conversation ? { conversation } : {}),
  }
  const ok =
    outcome === undefined &&
    problems.length === 0 &&
    (facts.issue?.closed ?? conversation !== undefined) &&
    Object.values(conversation ?? {}).every(Boolean) &&
    facts.pullRequest?.merged === true &&
    facts.proof?.red === true &&
    facts.proof.green &&
    facts.review.comments > 0 &&
    facts.review.comments === facts.review.answered &&
    facts.deployment?.verdict === 'healthy' &&
    sentTwice.length === 0
  return {
    kind: 'summary',
    ok,
    outcome: outcome ?? (ok ? 'done' : (problems[0] ?? 'not everything happened')),
    ...facts,
    problems: [...problems, ...sentTwice.map((what) => `seen twice: ${what}`)],
  }
}

/** The service that runs must show the fixed behaviour, at the merged commit. */
async function lookFromOutside(stage: Stage, mergeSha: string | undefined): Promise<string[]> {
  const problems: string[] = []
  const answer = await fetch(`http://127.0.0.1:${stage.productionPort}/quote?sku=bolt-m8&quantity=12`, {
    signal: AbortSignal.timeout(5000),
  }).then(
    (one) => one.json(),
    () => undefined,
  )
  const total = typeof answer === 'object' && answer !== null && 'total' in answer ? answer.total : undefined
  if (total !== 3.84) problems.push(`the deployed service still quotes ${String(total)} for 12 bolts, not 3.84`)
  const deployment = stage.world.deployments.at(-1)
  if (deployment?.sha !== mergeSha)
    problems.push(
      `GitHub's newest deployment is ${deployment?.sha.slice(0, 7) ?? 'none'}, not the merge ${mergeSha?.slice(0, 7) ?? ''}`,
    )
  if (deployment?.statuses.at(-1)?.state !== 'success')
    problems.push(`the deployment's state is ${deployment?.statuses.at(-1)?.state ?? 'none'}`)
  return problems
}

/** Everything that can be seen of Muster on GitHub. */
function effectsSeen(world: World): number {
  const mine = [world.comments, world.reviewComments].flat().filter((one) => one.user === world.bot).length
  return (
    mine +
    world.issues.filter((one) => one.pull && one.user === world.bot).length +
    world.checkRuns.length +
    world.deployments.length +
    world.deployments.reduce((sum, one) => sum + one.statuses.length, 0) +
    world.reactions.length
  )
}

/** Things that stand there twice: by Muster's own marker, a second check run for a head, a second open pull request for a branch. */
export function duplicates(world: World): string[] {
  const keys = [
    ...[...world.comments, ...world.reviewComments]
      .filter((one) => one.user === world.bot)
      .map((one) => `comment ${markerIn(one.body) ?? one.body.slice(0, 60)}`),
    ...world.checkRuns.map((run) => `check ${run.name} on ${run.headSha.slice(0, 7)}`),
    ...world.issues.filter((one) => one.pull).map((one) => `pull request from ${one.pull?.head ?? ''}`),
    ...world.deployments.map((one) => `deployment ${JSON.stringify(one.payload)}`),
    ...world.deployments.flatMap((one) =>
      one.statuses.map((status) => `status ${status.state} of deployment ${one.id}: ${status.description}`),
    ),
  ]
  return keys.filter((key, index) => keys.indexOf(key) !== index)
}
