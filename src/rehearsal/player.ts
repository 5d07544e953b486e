import { git } from './github/git.ts'
import type { ServerChild } from './child.ts'
import { type TaskView, waitFor } from './observe.ts'
import type { Stage } from './stage.ts'

/** The people's part of the rehearsal: they do what a team would do in its browser. */

export const ISSUE = {
  title: 'Orders of 10 to 49 bolts are charged the 5-piece price',
  body: `A customer complained about a quote for 12 M8 bolts, and he is right:

\`\`\`
$ curl 'localhost:8080/quote?sku=bolt-m8&quantity=12'
{"sku":"bolt-m8","quantity":12,"unit":0.38,"total":4.56}
\`\`\`

The price list says 0.32 each from 10 pieces on, so it should be 3.84. 7 pieces come out right, 60 too.`,
}

export const REVIEW = {
  inline: 'Please test the limits too: exactly 10 pieces must get the price for 10, and 9 must not.',
  body: 'Does `/tiers` list the tiers in the right order now as well?',
}

export interface PlayerDeps {
  readonly stage: Stage
  readonly server: ServerChild
  /** How long the people wait for each thing. */
  readonly patienceMs: number
  readonly onStage: (name: string) => void
  /** After how many ms a person reacts. */
  readonly thinkMs: number
}

export interface Played {
  readonly issue: number
  readonly pullRequest: number
  readonly mergeSha: string
  readonly task: TaskView
}

const think = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))

/** First, what is on main goes live, so that there is something to compare with. */
export async function playFirstRelease({ stage, server, patienceMs, thinkMs, onStage }: PlayerDeps): Promise<number> {
  onStage('first release')
  const { people } = stage
  const issue = await people.openIssue('alice', 'Put the price service into production', '@muster deploy production')
  await waitFor(server, issue.number, 'release plan', (task) => task.state.gate?.kind === 'deploy', patienceMs)
  await think(thinkMs)
  await people.comment('bob', issue.number, '@muster approve')
  await waitFor(
    server,
    issue.number,
    'report',
    (task) => task.state.releases.some((release) => release.report),
    patienceMs,
  )
  return issue.number
}

/** From the labelled issue to the watched release. */
export async function playFix(deps: PlayerDeps): Promise<Played> {
  const { stage, server, patienceMs, thinkMs, onStage } = deps
  const { people } = stage
  onStage('issue')
  const issue = await people.openIssue('alice', ISSUE.title, ISSUE.body)
  await people.label('alice', issue.number, 'muster')
  await approvePlan(deps, issue.number)
  onStage('build')
  const opened = await waitFor(
    server,
    issue.number,
    'pull request',
    (task) => task.state.pullRequest !== undefined,
    patienceMs,
  )
  onStage('proof')
  const ready = await waitFor(
    server,
    issue.number,
    'proved pull request',
    (task) => task.state.pullRequest?.draft === false,
    patienceMs,
  )
  const pull = opened.state.pullRequest?.number ?? 0
  await think(thinkMs)
  onStage('review')
  await reviewOnce(stage, pull, ready)
  const reviewed = (task: TaskView) =>
    task.state.review.ledger.length >= 2 &&
    task.state.review.ledger.every((entry) => entry.outcome !== 'open') &&
    task.state.proofs.at(-1)?.headSha === task.state.headSha &&
    task.state.proofs.at(-1)?.verdict.proved === true
  await waitFor(server, issue.number, 'answers to the review', reviewed, patienceMs)
  await think(thinkMs)
  await people.review('bob', pull, 'APPROVED', 'Thank you, good.', [])
  onStage('merge')
  const mergeSha = await people.merge('bob', pull)
  await waitFor(server, issue.number, 'merge', (task) => task.state.merged !== undefined, patienceMs)
  const task = await deployFix(deps, issue.number)
  return { issue: issue.number, pullRequest: pull, mergeSha, task }
}

async function approvePlan({ stage, server, patienceMs, thinkMs, onStage }: PlayerDeps, issue: number): Promise<void> {
  onStage('plan')
  const gate = await waitFor(
    server,
    issue,
    'plan',
    (task) => task.state.gate?.kind === 'plan' || task.state.gate?.kind === 'question',
    patienceMs,
  )
  await think(thinkMs)
  if (gate.state.gate?.kind === 'question') {
    await stage.people.comment('alice', issue, 'Use your best judgement; the price list in the repository is right.')
    await waitFor(server, issue, 'plan', (task) => task.state.gate?.kind === 'plan', patienceMs)
  }
  await stage.people.comment('alice', issue, '@muster approve')
}

/** One change request on a line of the new test, and a question. */
async function reviewOnce(stage: Stage, pull: number, task: TaskView): Promise<void> {
  const { dir } = stage.repo
  const { headSha, proofs } = task.state
  const path = proofs.at(-1)?.testFiles[0] ?? 'test/quote.test.ts'
  const diff = await git(dir, ['diff', '--unified=0', `main...${headSha}`, '--', path])
  const line = Number(/^@@ -\S+ \+(\d+)/m.exec(diff)?.[1] ?? 1)
  await stage.people.review('bob', pull, 'CHANGES_REQUESTED', REVIEW.body, [{ path, line, body: REVIEW.inline }])
}

/** Alice asks for the deploy and may not approve it herself; bob does. */
async function deployFix(
  { stage, server, patienceMs, thinkMs, onStage }: PlayerDeps,
  issue: number,
): Promise<TaskView> {
  const { people } = stage
  onStage('deploy')
  await people.comment('alice', issue, '@muster deploy production')
  await waitFor(server, issue, 'release plan', (task) => task.state.gate?.kind === 'deploy', patienceMs)
  await think(thinkMs)
  await people.comment('alice', issue, '@muster approve')
  await think(thinkMs)
  await people.comment('bob', issue, '@muster approve')
  await waitFor(server, issue, 'deploy', (task) => task.state.releases.at(-1)?.deployed !== undefined, patienceMs)
  onStage('watch')
  return waitFor(
    server,
    issue,
    'report',
    (task) => task.state.releases.at(-1)?.report !== undefined && task.status === 'done',
    patienceMs,
  )
}

/** Customers of the deployed service, at some 30 requests a second; stops when told. */
export function playCustomers(port: number): () => void {
  const paths = [
    '/quote?sku=bolt-m8&quantity=3',
    '/quote?sku=nut-m8&quantity=20',
    '/quote?sku=rope-12&quantity=25',
    '/tiers?sku=bolt-m8',
    '/quote?sku=bolt-m8&quantity=12',
  ]
  let count = 0
  const timer = setInterval(() => {
    count++
    fetch(`http://127.0.0.1:${port}${paths[count % paths.length]}`, { signal: AbortSignal.timeout(5000) }).then(
      (answer) => answer.arrayBuffer(),
      () => undefined,
    )
  }, 33)
  timer.unref()
  return () => clearInterval(timer)
}
