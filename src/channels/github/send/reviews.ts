import type { EffectBody, EffectResult, Remark } from '../../../core/effects.ts'
import { mono, paragraph, say } from '../../../core/reply/document.ts'
import type { SendContext } from '../../types.ts'
import { idOf, statusOf } from '../client.ts'
import { renderMarkdown } from '../render.ts'
import { markedIn } from './marked.ts'
import { names, type SendDeps } from './types.ts'

type Body = Extract<EffectBody, { kind: 'review.post' }>

const WRITE = { pull_requests: 'write' } as const

/** One review with all remarks: one message for whoever follows the pull request. It neither approves nor asks for changes. */
export async function postReview(deps: SendDeps, body: Body, { marker }: SendContext): Promise<EffectResult> {
  try {
    return await post(deps, body, body.remarks, marker)
  } catch (error) {
    // A line is not part of the diff any more, or never was for GitHub: then all of it stands in the review itself.
    if (statusOf(error) !== 422 || body.remarks.length === 0) throw error
    // The commit may be gone from it as well, after a push by force.
    const document = [...body.document, ...body.remarks.flatMap(placed)]
    return post(deps, { ...body, headSha: undefined, document }, [], marker)
  }
}

async function post(
  deps: SendDeps,
  { place, headSha, document }: Omit<Body, 'headSha'> & { readonly headSha: string | undefined },
  remarks: readonly Remark[],
  marker: string,
): Promise<EffectResult> {
  const octokit = await deps.client.on(place.repository, WRITE)
  const { data } = await octokit.request('POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews', {
    ...names(place.repository),
    pull_number: place.number,
    ...(headSha === undefined ? {} : { commit_id: headSha }),
    event: 'COMMENT',
    body: renderMarkdown(document, deps.reading, marker),
    comments: remarks.map(({ path, from, to, document: words }) => ({
      path,
      line: to,
      side: 'RIGHT',
      ...(from < to ? { start_line: from, start_side: 'RIGHT' } : {}),
      body: renderMarkdown(words, deps.reading),
    })),
  })
  return { id: idOf(data.id), url: data.html_url }
}

function placed({ path, from, document }: Remark): Body['document'] {
  return [paragraph(say`At ${mono(path, 200)}, line ${from}:`), ...document]
}

/** An earlier try may have arrived: a review of ours with this marker. */
export async function lookUpReview(
  { client, self }: SendDeps,
  { place }: Body,
  { marker }: SendContext,
): Promise<EffectResult | undefined> {
  const octokit = await client.on(place.repository, WRITE)
  const { id } = await self()
  const pages = octokit.paginate.iterator('GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews', {
    ...names(place.repository),
    pull_number: place.number,
    per_page: 100,
  })
  return markedIn(pages, id, marker)
}
