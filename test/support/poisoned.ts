import { proofReport } from '../../src/core/reply/proof.ts'
import type { Document } from '../../src/core/reply/document.ts'
import type { EffectBody } from '../../src/core/effects.ts'
import {
  costReply,
  chooseRepository,
  invalidReply,
  noteReply,
  remainsReply,
  statusReply,
  whyReply,
} from '../../src/core/reply/answers.ts'
import { statusCard, surfaceCard } from '../../src/core/reply/card.ts'
import { baselineComment } from '../../src/core/reply/baseline.ts'
import { homeDocument } from '../../src/core/reply/home.ts'
import { answerComment, planComment, questionComment } from '../../src/core/reply/plan.ts'
import { budgetComment, failedComment, handOffComment, pullRequestBody } from '../../src/core/reply/pull.ts'
import { deployFailedComment, releasePlanComment, reportComment } from '../../src/core/reply/release.ts'
import { effectsOf } from '../../src/core/showing/effects.ts'
import type { ReviewComment, Task, TaskEvent } from '../../src/core/task/types.ts'
import { decide } from '../../src/core/deciding/decide.ts'
import {
  alice,
  baseline,
  deployed,
  design,
  opened,
  origin,
  patch,
  proof,
  releasePlan,
  report,
  said,
  spec,
} from './tasks.ts'

/** Addresses that Muster links by itself in these documents. */
export const OWN_URLS = [origin.url, 'http://github.test/acme/shop/pull/6', 'http://x', 'http://muster.test/link/c']

const surface = { channel: 'slack', team: 'T1', room: 'C1', thread: '1.2' } as const

/** A task in which every text that a model, a person or a program wrote is `word`. */
export function poisonedTask(word: string): Task {
  const comment: ReviewComment = {
    id: 1,
    reviewId: 1,
    thread: true,
    rootId: 1,
    author: { id: 3, login: word },
    body: word,
    path: word,
    line: 1,
  }
  const run = { command: word, exitCode: 1, seconds: 1, output: word }
  const evidence = {
    ...proof('head', false),
    red: run,
    green: run,
    suite: run,
    note: {
      criteria: [{ number: 1, met: 'no' as const, evidence: word }],
      review: [{ number: 1, done: 'no' as const, evidence: word }],
      remarks: word,
    },
    annotations: [{ path: word, line: 1, message: word }],
    verdict: { proved: false, red: true, green: false, suite: false, reasons: [word, word] },
  }
  const note = { title: word, summary: word, notDone: word }
  const plan = {
    ...releasePlan('0123456789abcdef'),
    commits: [{ sha: '0123456', title: word, author: word }],
    target: word,
  }
  const failed = {
    ...deployed('0123456789abcdef', false),
    error: word,
    log: word,
    environment: word,
    previousSha: undefined,
  }
  const base = opened().task
  return {
    ...base,
    origin: {
      ...origin,
      title: word,
      body: word,
      request: word,
      author: { id: 3, login: word },
      requester: { id: 3, login: word },
    },
    notes: [{ by: alice, text: word, at: 1 }],
    baseline: {
      ...baseline('red'),
      sha: '0123456789abcdef',
      run: { command: word, exitCode: 1, seconds: 1, output: word, failures: [word, word] },
      hint: word,
      accepted: { id: 3, login: word },
    },
    spec: spec({
      title: word,
      problem: word,
      acceptance: [word, word],
      outOfScope: [word],
      questions: [word],
      riskReason: word,
    }),
    answer: { answer: word },
    design: {
      ...design(word),
      files: [{ path: word, why: word }],
      tests: word,
      slices: [
        { title: word, files: [word] },
        { title: word, files: [word] },
      ],
      filesAtRisk: [{ path: word, why: word }],
    },
    planHash: 'aaaaaaaaaaaaaaaa',
    branch: word,
    headSha: 'head',
    wip: { branch: word, sha: 'x', step: 'build' },
    patches: [
      { ...patch(), note: { ...note, summary: `${word} first` } },
      { ...patch(), note },
    ],
    pullRequest: { number: 6, nodeId: 'n', url: OWN_URLS[1] ?? '', draft: false },
    proofs: [evidence],
    review: {
      pending: [comment],
      dueAt: 1,
      ledger: [
        { comment, outcome: 'declined', sha: undefined },
        { comment: { ...comment, id: 2, thread: false }, outcome: 'open', sha: undefined },
      ],
      reviewers: [],
    },
    releases: [
      {
        index: 1,
        environment: word,
        ref: word,
        requester: { id: 3, login: word },
        plan,
        deploymentId: 5,
        deployed: failed,
        report: { ...report('0123456789abcdef'), environment: word, reasons: [word] },
      },
    ],
    outcome: word,
    surfaces: [surface],
    steps: base.steps.map((step) => ({
      ...step,
      status: 'failed' as const,
      attempt: 1,
      startedAt: 1,
      endedAt: 2,
      error: { code: 'x', message: word },
    })),
    status: 'waiting',
  }
}

/** Everything that is said of such a task, in documents. */
export function documentsOf(task: Task, word: string): Document[] {
  const [release] = task.releases
  const [evidence] = task.proofs
  if (!release?.report || !release.deployed || !evidence) throw new Error('the task lacks something')
  const person = { id: 3, login: word }
  const gates = [
    { kind: 'question', questions: [word], openedAt: 1 },
    { kind: 'plan', hash: 'aaaaaaaaaaaa', openedAt: 1, reason: word },
    { kind: 'deploy', hash: 'b', sha: '0123456', environment: word, openedAt: 1 },
    { kind: 'budget', openedAt: 1, step: 'build' },
    { kind: 'baseline', openedAt: 1, attempt: 1 },
  ] as const
  return [
    ...[
      task,
      ...gates.map((gate) => ({ ...task, gate })),
      {
        ...task,
        steps: task.steps.map((step) => ({
          ...step,
          status: 'running' as const,
          doing: { kind: 'command' as const, command: word, since: 1 },
        })),
      },
      { ...task, status: 'handed_off' as const },
      { ...task, status: 'done' as const },
    ].flatMap((one) => [statusCard(one, 5), surfaceCard(one, 5), statusReply(one, 5, word), planComment(one)]),
    questionComment(task, [word]),
    answerComment(task),
    proofReport(evidence, task.spec),
    handOffComment(task),
    failedComment(task, 'Spec', { code: 'agent_checks', message: word }),
    budgetComment(task),
    ...(['red', 'broken', 'no_setup', 'hangs', 'no_command'] as const).flatMap((found) => {
      const before = task.baseline && { ...task, baseline: { ...task.baseline, found } }
      return before ? [baselineComment(before), statusCard(before, 5)] : []
    }),
    releasePlanComment(task, release),
    deployFailedComment(release.deployed),
    reportComment(task, release.report, 5),
    costReply(task),
    remainsReply(task, person),
    whyReply([{ at: 1, who: word, what: word, url: origin.url, outcome: 'refused', reason: word, detail: word }]),
    homeDocument({ person, open: [task] }, OWN_URLS[3] ?? ''),
    noteReply(word),
    invalidReply(word),
    chooseRepository([word]),
    ...bodiesOf(task, word).flatMap((body) => ('document' in body && body.document ? [body.document] : [])),
  ]
}

/** The body of its pull request. */
export function pullBodyOf(task: Task): Document {
  return pullRequestBody(task)
}

/** Texts without markup: titles, commit messages, descriptions. */
export function plainTextsOf(task: Task, word: string): string[] {
  return bodiesOf(task, word).flatMap((body) => {
    if (body.kind === 'git.push') return [body.message]
    if (body.kind === 'deployment.status') return [body.description]
    return 'title' in body ? [body.title] : []
  })
}

function bodiesOf(task: Task, word: string): EffectBody[] {
  const made = { ...patch(), note: { title: word, summary: word, notDone: word } }
  const person = { id: 3, login: word }
  const events: TaskEvent[] = [
    {
      type: 'task.opened',
      id: 't',
      conversationId: 'c',
      workflow: 'change',
      origin: task.origin,
      settings: task.settings,
      forcePlanGate: false,
    },
    { type: 'patch.made', step: 'build', patch: made },
    { type: 'budget.reached', step: 'build', patch: made },
    { type: 'branch.pushed', branch: 'b', headSha: 'head', step: 'build' },
    {
      type: 'review.answered',
      answers: [1, 2].map((id) => ({ id, outcome: 'declined', reply: word })),
      sha: undefined,
    },
    { type: 'release.deployed', release: 1, deployed: { ...deployed('x', false), error: word } },
    { type: 'surface.troubled', surface, error: word },
    { type: 'gate.approved', gate: 'plan', hash: 'aaaaaaaaaaaa', sha: undefined, by: person },
    { type: 'gate.rejected', gate: 'plan', by: person, reason: word },
    { type: 'task.cancelled', by: person },
    { type: 'task.handed_off', reason: word },
    { type: 'effect.again', kind: 'pr.open' },
  ]
  const homeless = { ...task, origin: { ...task.origin, number: 0, opensIssue: true } }
  const wait = { ...task, gate: { kind: 'plan', hash: 'a', openedAt: 1, reason: word } } as const
  const replies = (['reject', 'deploy', 'answer', 'retry', 'lock'] as const).flatMap((verb) => {
    const command = { verb, text: word, environment: word, ref: word } as Parameters<typeof said>[0]
    const { reply } = decide(wait, said(command), 9)
    return reply
      ? [{ kind: 'comment' as const, place: { repository: task.origin.repository, number: 5 }, document: reply }]
      : []
  })
  return [
    ...events.flatMap((event) =>
      [...effectsOf(task, event, 1), ...effectsOf(homeless, event, 1)].map(({ body }) => body),
    ),
    ...replies,
  ]
}
