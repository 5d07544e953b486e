import type { EffectBody, EffectResult } from '../../../core/effects.ts'
import { statusCard } from '../../../core/reply/card.ts'
import { type SendContext, SendError } from '../../types.ts'
import { idOf, statusOf } from '../client.ts'
import { partMarker } from '../../../core/reply/split.ts'
import { markerIn, renderMarkdown, renderParts } from '../render.ts'
import { names, type SendDeps } from './types.ts'

type Body<Kind extends EffectBody['kind']> = Extract<EffectBody, { kind: Kind }>

const WRITE = { issues: 'write', pull_requests: 'write' } as const
/** Comments are looked for over this many pages of 100, newest issues first. */
const MAX_PAGES = 30

/** The status comment: made once, then edited in place, whatever happens to the process in between. */
export async function statusUpsert(
  deps: SendDeps,
  body: Body<'status.upsert'>,
  context: SendContext,
): Promise<EffectResult> {
  if (!context.task) throw new SendError('fatal', 'the task is gone')
  const text = renderMarkdown(statusCard(context.task, context.now), deps.reading, context.marker)
  return context.previous?.id === undefined ? post(deps, body, text) : edit(deps, body, context.previous, text)
}

async function post(
  { client }: SendDeps,
  body: Body<'status.upsert' | 'comment'>,
  text: string,
): Promise<EffectResult> {
  const octokit = await client.on(body.place.repository, WRITE)
  const { data } = await octokit.request('POST /repos/{owner}/{repo}/issues/{issue_number}/comments', {
    ...names(body.place.repository),
    issue_number: body.place.number,
    body: text,
  })
  return { id: idOf(data.id), url: data.html_url }
}

/** A comment that somebody deleted is not written again: that was a person's wish. */
async function edit(
  { client }: SendDeps,
  body: Body<'status.upsert'>,
  previous: EffectResult,
  text: string,
): Promise<EffectResult> {
  const octokit = await client.on(body.place.repository, WRITE)
  try {
    await octokit.request('PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}', {
      ...names(body.place.repository),
      comment_id: previous.id ?? 0,
      body: text,
    })
  } catch (error) {
    if (statusOf(error) !== 404) throw error
  }
  return previous
}

/** A comment; one that is too long for GitHub becomes several, in order, each of them once. */
export async function comment(deps: SendDeps, body: Body<'comment'>, context: SendContext): Promise<EffectResult> {
  const [first = '', ...rest] = renderParts(body.document, deps.reading, context.marker)
  if (rest.length === 0) return post(deps, body, first)
  // Some of them may be there from a try that was cut off.
  const there = await ownComments(deps, body)
  let result: EffectResult | undefined
  for (const [index, text] of [first, ...rest].entries()) {
    const posted = there.get(partMarker(context.marker, index)) ?? (await post(deps, body, text))
    result ??= posted
  }
  return result ?? {}
}

/** Looks for a comment of ours with this marker. Others could copy the text, but not write it as our account. */
export async function lookUpComment(
  deps: SendDeps,
  body: Body<'status.upsert' | 'comment'>,
  { marker }: SendContext,
): Promise<EffectResult | undefined> {
  const there = await ownComments(deps, body)
  const parts = body.kind === 'comment' ? renderParts(body.document, deps.reading, marker).length : 1
  const all = Array.from({ length: parts }, (_, index) => there.get(partMarker(marker, index)))
  return all.every((one) => one !== undefined) ? all[0] : undefined
}

/** Our own comments in a thread, by their markers. */
async function ownComments(
  { client, self }: SendDeps,
  body: Body<'status.upsert' | 'comment'>,
): Promise<ReadonlyMap<string, EffectResult>> {
  const found = new Map<string, EffectResult>()
  const octokit = await client.on(body.place.repository, WRITE)
  const { id } = await self()
  for (let page = 1; page <= MAX_PAGES; page++) {
    const { data } = await octokit.request('GET /repos/{owner}/{repo}/issues/{issue_number}/comments', {
      ...names(body.place.repository),
      issue_number: body.place.number,
      per_page: 100,
      page,
    })
    for (const one of data) {
      const marker = one.user?.id === id ? markerIn(one.body) : undefined
      if (marker !== undefined) found.set(marker, { id: idOf(one.id), url: one.html_url })
    }
    if (data.length < 100) break
  }
  return found
}

/** GitHub itself keeps a reaction once per account. */
export async function reaction(
  { client }: SendDeps,
  { place, target, content }: Body<'reaction'>,
): Promise<EffectResult> {
  const octokit = await client.on(place.repository, WRITE)
  const base = { ...names(place.repository), content }
  switch (target.on) {
    case 'issue':
      return {
        id: idOf(
          (
            await octokit.request('POST /repos/{owner}/{repo}/issues/{issue_number}/reactions', {
              ...base,
              issue_number: target.number,
            })
          ).data.id,
        ),
      }
    case 'comment':
      return {
        id: idOf(
          (
            await octokit.request('POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions', {
              ...base,
              comment_id: target.id,
            })
          ).data.id,
        ),
      }
  }
}
