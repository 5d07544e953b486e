import { git } from './github/git.ts'
import type { ServerChild } from './child.ts'
import { type TaskView, waitFor } from './observe.ts'
import type { Stage } from './stage.ts'
import { ANSWER, REVIEW } from './texts.ts'
import type { Talk, Way } from './ways.ts'

/** The people's part of the rehearsal: they do what a team would do in its browser. */

export interface PlayerDeps {
  /** Where the people talk with Muster. */
  readonly way: Way
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
export async function playFirstRelease({ way, server, patienceMs, thinkMs, onStage }: PlayerDeps): Promise<Talk> {
  onStage('first release')
  const talk = await way.firstRelease()
  await waitFor(server, talk.task, 'release plan', (task) => task.state.gate?.kind === 'deploy', patienceMs)
  await think(thinkMs)
  await talk.approve('bob', 'deploy')
  await waitFor(
    server,
    talk.task,
    'report',
    (task) => task.state.releases.some((release) => release.report),
    patienceMs,
  )
  return talk
}

/** From the labelled issue to the watched release. */
export async function playFix(deps: PlayerDeps): Promise<Played> {
  const { way, stage, server, patienceMs, thinkMs, onStage } = deps
  const { people } = stage
  onStage('issue')
  const talk = await way.fix()
  await approvePlan(deps, talk)
  onStage('build')
  const opened = await waitFor(
    server,
    talk.task,
    'pull request',
    (task) => task.state.pullRequest !== undefined,
    patienceMs,
  )
  onStage('proof')
  const ready = await waitFor(
    server,
    talk.task,
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
  await waitFor(server, talk.task, 'answers to the review', reviewed, patienceMs)
  await think(thinkMs)
  await people.review('bob', pull, 'APPROVED', 'Thank you, good.', [])
  onStage('merge')
  const mergeSha = await people.merge('bob', pull)
  await waitFor(server, talk.task, 'merge', (task) => task.state.merged !== undefined, patienceMs)
  const task = await deployFix(deps, talk)
  return { issue: task.state.origin.number, pullRequest: pull, mergeSha, task }
}

async function approvePlan({ server, patienceMs, thinkMs, onStage }: PlayerDeps, talk: Talk): Promise<void> {
  onStage('plan')
  const gate = await waitFor(
    server,
    talk.task,
    'plan',
    (task) => task.state.gate?.kind === 'plan' || task.state.gate?.kind === 'question',
    patienceMs,
  )
  await think(thinkMs)
  if (gate.state.gate?.kind === 'question') {
    onStage('answer')
    await talk.answer(ANSWER)
    await waitFor(server, talk.task, 'plan', (task) => task.state.gate?.kind === 'plan', patienceMs)
    await think(thinkMs)
  }
  onStage('approve')
  await talk.approve('alice', 'plan')
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
async function deployFix({ server, patienceMs, thinkMs, onStage }: PlayerDeps, talk: Talk): Promise<TaskView> {
  onStage('deploy')
  await talk.deploy()
  await waitFor(server, talk.task, 'release plan', (task) => task.state.gate?.kind === 'deploy', patienceMs)
  await think(thinkMs)
  await talk.approve('alice', 'deploy')
  await think(thinkMs)
  await talk.approve('bob', 'deploy')
  await waitFor(server, talk.task, 'deploy', (task) => task.state.releases.at(-1)?.deployed !== undefined, patienceMs)
  onStage('watch')
  return waitFor(
    server,
    talk.task,
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
