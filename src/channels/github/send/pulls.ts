import { markedIn } from './marked.ts'
import type { EffectBody, EffectResult } from '../../../core/effects.ts'
import { pullRequestBody } from '../../../core/reply/pull.ts'
import { type SendContext, SendError } from '../../types.ts'
import { idOf, statusOf } from '../client.ts'
import { markerIn, renderMarkdown } from '../render.ts'
import { titleOf } from '../../../core/reply/foreign.ts'
import { names, type SendDeps } from './types.ts'

type Body<Kind extends EffectBody['kind']> = Extract<EffectBody, { kind: Kind }>

const WRITE = { pull_requests: 'write' } as const
/** GitHub reads both branches to open a pull request, and wants write access to take it out of draft. */
const OPEN = { pull_requests: 'write', contents: 'read' } as const
const READY_PERMISSIONS = { pull_requests: 'write', contents: 'write' } as const
const READY =
  'mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { id isDraft } } }'

/** GitHub copies it into the commit message of a squash, where nothing is markup. */
function bodyText({ reading }: SendDeps, { task, marker }: SendContext): string {
  if (!task) throw new SendError('fatal', 'the task is gone')
  return renderMarkdown(pullRequestBody(task), { ...reading, isCopied: true }, marker)
}

export async function openPull(
  deps: SendDeps,
  { place, branch, base, title, draft }: Body<'pr.open'>,
  context: SendContext,
): Promise<EffectResult> {
  const octokit = await deps.client.on(place.repository, OPEN)
  const { data } = await octokit.request('POST /repos/{owner}/{repo}/pulls', {
    ...names(place.repository),
    title: titleOf(title, 100, deps.reading),
    head: branch,
    base,
    body: bodyText(deps, context),
    draft: draft !== false,
  })
  return { id: idOf(data.id), nodeId: data.node_id, number: data.number, url: data.html_url }
}

/** An earlier task may have used a branch of this name: only the pull request with this marker is the one. */
export async function lookUpPull(
  { client, self }: SendDeps,
  { place, branch }: Body<'pr.open'>,
  { marker }: SendContext,
): Promise<EffectResult | undefined> {
  const octokit = await client.on(place.repository, WRITE)
  const { id } = await self()
  const { data } = await octokit.request('GET /repos/{owner}/{repo}/pulls', {
    ...names(place.repository),
    head: `${place.repository.owner}:${branch}`,
    state: 'all',
    per_page: 100,
  })
  const found = data.find((one) => one.user?.id === id && markerIn(one.body) === marker)
  return found && { id: idOf(found.id), nodeId: found.node_id, number: found.number, url: found.html_url }
}

export async function pullBody(
  deps: SendDeps,
  { place }: Body<'pr.body.upsert'>,
  context: SendContext,
): Promise<EffectResult> {
  const octokit = await deps.client.on(place.repository, WRITE)
  const { data } = await octokit.request('PATCH /repos/{owner}/{repo}/pulls/{pull_number}', {
    ...names(place.repository),
    pull_number: place.number,
    body: bodyText(deps, context),
  })
  return { id: idOf(data.id), number: data.number, url: data.html_url }
}

export async function ready(deps: SendDeps, { place, nodeId, reviewers }: Body<'pr.ready'>): Promise<EffectResult> {
  const octokit = await deps.client.on(place.repository, READY_PERMISSIONS)
  await octokit.graphql(READY, { id: nodeId })
  return requestReview(deps, { kind: 'review.request', place, reviewers })
}

/** Asks for a review; somebody who cannot be asked (an outsider, the author) does not hold up the work. */
export async function requestReview(
  { client }: SendDeps,
  { place, reviewers }: Body<'review.request'>,
): Promise<EffectResult> {
  const octokit = await client.on(place.repository, WRITE)
  try {
    await octokit.request('POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers', {
      ...names(place.repository),
      pull_number: place.number,
      reviewers: [...reviewers],
    })
  } catch (error) {
    if (statusOf(error) !== 422) throw error
  }
  return { number: place.number }
}

export async function reviewReply(
  deps: SendDeps,
  { place, rootId, document }: Body<'review.reply'>,
  { marker }: SendContext,
): Promise<EffectResult> {
  const octokit = await deps.client.on(place.repository, WRITE)
  const { data } = await octokit.request(
    'POST /repos/{owner}/{repo}/pulls/{pull_number}/comments/{comment_id}/replies',
    {
      ...names(place.repository),
      pull_number: place.number,
      comment_id: rootId,
      body: renderMarkdown(document, deps.reading, marker),
    },
  )
  return { id: idOf(data.id), url: data.html_url }
}

export async function lookUpReply(
  { client, self }: SendDeps,
  { place }: Body<'review.reply'>,
  { marker }: SendContext,
): Promise<EffectResult | undefined> {
  const octokit = await client.on(place.repository, WRITE)
  const { id } = await self()
  const pages = octokit.paginate.iterator('GET /repos/{owner}/{repo}/pulls/{pull_number}/comments', {
    ...names(place.repository),
    pull_number: place.number,
    per_page: 100,
  })
  return markedIn(pages, id, marker)
}
