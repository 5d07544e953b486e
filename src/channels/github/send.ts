import type { EffectBody, EffectResult, GithubBody } from '../../core/effects.ts'
import { lookUpIssue, openIssue } from './send/issues.ts'
import { isInside } from '../../core/effecttable.ts'
import { messageOf, Unavailable, UserError } from '../../core/errors.ts'
import { linesOf } from '../../core/reply/foreign.ts'
import { type SendContext, SendError, type Sender } from '../types.ts'
import { beforeWrites, refusalIn, statusOf } from './client.ts'
import { costOf } from './costs.ts'
import { askedToWait } from './limits.ts'
import { checkUpsert } from './send/checks.ts'
import { createLabel } from './send/labels.ts'
import { comment, commentUpsert, lookUpComment, reaction, statusUpsert } from './send/comments.ts'
import {
  createDeployment,
  deploymentStatus,
  lookUpDeployment,
  lookUpStatus,
  refuseDeployment,
} from './send/deployments.ts'
import { lookUpPull, lookUpReply, openPull, pullBody, ready, requestReview, reviewReply } from './send/pulls.ts'
import { lookUpReview, postReview } from './send/reviews.ts'
import { names, type SendDeps } from './send/types.ts'

type GithubKind = GithubBody['kind']
type Handler<Kind extends GithubKind> = (
  deps: SendDeps,
  body: Extract<GithubBody, { kind: Kind }>,
  context: SendContext,
) => Promise<EffectResult>
type LookUp<Kind extends GithubKind> = (
  deps: SendDeps,
  body: Extract<GithubBody, { kind: Kind }>,
  context: SendContext,
) => Promise<EffectResult | undefined>

/** One line per kind of effect. Those without a look-up may be sent twice: the second time changes nothing. */
const HANDLERS: { readonly [Kind in GithubKind]: { readonly send: Handler<Kind>; readonly lookUp?: LookUp<Kind> } } = {
  'status.upsert': { send: statusUpsert, lookUp: lookUpComment },
  comment: { send: comment, lookUp: lookUpComment },
  'comment.upsert': { send: commentUpsert, lookUp: lookUpComment },
  reaction: { send: reaction },
  'check.upsert': { send: checkUpsert },
  'label.create': { send: createLabel },
  'issue.open': { send: openIssue, lookUp: lookUpIssue },
  'pr.open': { send: openPull, lookUp: lookUpPull },
  'pr.body.upsert': { send: pullBody },
  'pr.ready': { send: ready },
  'review.request': { send: requestReview },
  'review.post': { send: postReview, lookUp: lookUpReview },
  'review.reply': { send: reviewReply, lookUp: lookUpReply },
  'check.rerun': { send: rerun, lookUp: lookUpRerun },
  'git.push': { send: push },
  'deployment.create': { send: createDeployment, lookUp: lookUpDeployment },
  'deployment.status': { send: deploymentStatus, lookUp: lookUpStatus },
  'deployment.refuse': { send: refuseDeployment },
}

/** Sends effects to GitHub, each with a token for just that. */
export function githubSender(deps: SendDeps): Sender {
  return {
    costOf,
    lookUp: (body, context) => guarded(async () => dispatch(ours(body), 'lookUp', deps, context)),
    send: (body, context) =>
      guarded(() =>
        beforeWrites(context.mayLeave, async () => {
          const result = await dispatch(ours(body), 'send', deps, context)
          if (!result) throw new SendError('fatal', `nothing sends ${body.kind}`)
          return result
        }),
      ),
  }
}

/** What goes elsewhere never comes here. */
function ours(body: EffectBody): GithubBody {
  if ('surface' in body || isInside(body)) throw new SendError('fatal', `${body.kind} is not for GitHub`)
  return body
}

/** The boundary cast of this table: a body and its own handler, which the compiler cannot pair by itself. */
function dispatch<Kind extends GithubKind>(
  body: Extract<GithubBody, { kind: Kind }>,
  act: 'send' | 'lookUp',
  deps: SendDeps,
  context: SendContext,
): Promise<EffectResult | undefined> {
  if (!Object.hasOwn(HANDLERS, body.kind)) throw new SendError('fatal', 'the stored effect cannot be read')
  const handler = HANDLERS[body.kind] as { send: Handler<Kind>; lookUp?: LookUp<Kind> }
  if (act === 'send') return handler.send(deps, body, context)
  return handler.lookUp ? handler.lookUp(deps, body, context) : Promise.resolve(undefined)
}

async function push(
  { git, self, reading }: SendDeps,
  body: Extract<GithubBody, { kind: 'git.push' }>,
  { mayLeave }: SendContext,
): Promise<EffectResult> {
  const { name, email } = await self()
  mayLeave()
  return git.commitAndPush({
    repository: body.place.repository,
    branch: body.branch,
    parentSha: body.parentSha,
    diff: body.diff,
    message: linesOf(body.message, reading),
    author: { name, email },
    at: body.at,
  })
}

/** A job of the team's own CI, once more. */
async function rerun(
  { client }: SendDeps,
  { place, job }: Extract<GithubBody, { kind: 'check.rerun' }>,
): Promise<EffectResult> {
  const octokit = await client.on(place.repository, { actions: 'write' })
  try {
    await octokit.request('POST /repos/{owner}/{repo}/actions/jobs/{job_id}/rerun', {
      ...names(place.repository),
      job_id: job,
    })
  } catch (error) {
    // Other jobs of its run are under way: it can be run again after them.
    if (statusOf(error) !== 403 || !/already running/i.test(messageOf(error))) throw error
    // How long that takes nobody says; and nothing else has to wait for it.
    throw new SendError('retry', 'the run is not over yet', { cause: error })
  }
  return { id: job }
}

/** Whether its run has been begun once more since. What cannot be told is asked for again. */
async function lookUpRerun(
  { client }: SendDeps,
  { place, job }: Extract<GithubBody, { kind: 'check.rerun' }>,
): Promise<EffectResult | undefined> {
  const octokit = await client.on(place.repository, { actions: 'read' })
  try {
    const { data: one } = await octokit.request('GET /repos/{owner}/{repo}/actions/jobs/{job_id}', {
      ...names(place.repository),
      job_id: job,
    })
    const { data: run } = await octokit.request('GET /repos/{owner}/{repo}/actions/runs/{run_id}', {
      ...names(place.repository),
      run_id: Number(one.run_id),
    })
    return (run.run_attempt ?? 1) > (one.run_attempt ?? 1) ? { id: job } : undefined
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}

async function guarded<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    throw refusalIn(error) ?? classify(error)
  }
}

/** What a failure means (limits.md): obey retry-after; refusals are final; without an answer nobody knows. */
function classify(error: unknown): SendError {
  if (error instanceof UserError)
    return new SendError(
      error.code === 'clone_failed' ? 'retry' : 'fatal',
      error.hint ? `${error.message} ${error.hint}` : error.message,
      { cause: error },
    )
  if (error instanceof Unavailable)
    return new SendError('unknown', error.message, { cause: error, retryAfterMs: error.retryAfterMs })
  const refusal = graphqlRefusal(error)
  if (refusal) return refusal
  const retryAfterMs = askedToWait(error)
  if (retryAfterMs !== undefined) return new SendError('retry', 'GitHub asks to wait', { cause: error, retryAfterMs })
  const status = statusOf(error)
  if (status === undefined) return new SendError('unknown', messageOf(error), { cause: error })
  if (status >= 500) return new SendError('unknown', `GitHub answered ${status}`, { cause: error })
  return new SendError('fatal', `GitHub answered ${status}: ${messageOf(error).slice(0, 300)}`, { cause: error })
}

/** GraphQL refuses with 200 and a type. */
function graphqlRefusal(error: unknown): SendError | undefined {
  if (!(error instanceof Error) || error.name !== 'GraphqlResponseError') return undefined
  const text = JSON.stringify('errors' in error ? error.errors : error.message)
  if (/RATE_LIMIT/.test(text))
    return new SendError('retry', 'GitHub asks to wait', { cause: error, retryAfterMs: 60_000 })
  return new SendError('fatal', `GitHub refused: ${messageOf(error).slice(0, 300)}`, { cause: error })
}
