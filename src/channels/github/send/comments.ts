import { pagesOf } from '../pages.ts'
import type { EffectBody, EffectResult, Thread } from '../../../core/effects.ts'
import { statusCard } from '../../../core/reply/card.ts'
import { partMarker } from '../../../core/reply/split.ts'
import { type SendContext, SendError } from '../../types.ts'
import { idOf, statusOf } from '../client.ts'
import { clockFloor, partsThere, rewriteParts, sendParts } from '../../messages.ts'
import { markerIn, renderMarkdown, renderParts } from '../render.ts'
import { names, type SendDeps } from './types.ts'

type Body<Kind extends EffectBody['kind']> = Extract<EffectBody, { kind: Kind }>

const WRITE = { issues: 'write', pull_requests: 'write' } as const
/** Comments are looked for over this many pages of 100. GitHub lists the oldest first, so that it is asked for those since then. */
const MAX_PAGES = 30

/** The status comment: made once, then edited in place, whatever happens to the process in between. */
export async function statusUpsert(
  deps: SendDeps,
  { place }: Body<'status.upsert'>,
  { task, now, marker, previous }: SendContext,
): Promise<EffectResult> {
  if (!task) throw new SendError('fatal', 'the task is gone')
  const text = renderMarkdown(statusCard(task, now), deps.reading, marker)
  if (previous?.id === undefined) return { id: Number(await post(deps, place, text)) }
  await edit(deps, place, String(previous.id), text)
  return previous
}

/** @returns its id */
async function post({ client }: SendDeps, { repository, number }: Thread, body: string): Promise<string> {
  const octokit = await client.on(repository, WRITE)
  const { data } = await octokit.request('POST /repos/{owner}/{repo}/issues/{issue_number}/comments', {
    ...names(repository),
    issue_number: number,
    body,
  })
  return String(idOf(data.id))
}

/** A comment that somebody deleted is not written again: that was a person's wish. */
async function edit({ client }: SendDeps, { repository }: Thread, id: string, body: string): Promise<void> {
  const octokit = await client.on(repository, WRITE)
  await unlessDeleted(() =>
    octokit.request('PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}', {
      ...names(repository),
      comment_id: Number(id),
      body,
    }),
  )
}

async function remove({ client }: SendDeps, { repository }: Thread, id: string): Promise<void> {
  const octokit = await client.on(repository, WRITE)
  await unlessDeleted(() =>
    octokit.request('DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}', {
      ...names(repository),
      comment_id: Number(id),
    }),
  )
}

async function unlessDeleted(change: () => Promise<unknown>): Promise<void> {
  try {
    await change()
  } catch (error) {
    if (statusOf(error) !== 404) throw error
  }
}

/** A comment; one that is too long for GitHub becomes several, in order, each of them once. */
export async function comment(deps: SendDeps, body: Body<'comment'>, context: SendContext): Promise<EffectResult> {
  const parts = renderParts(body.document, deps.reading, context.marker)
  const there = () => ownComments(deps, body.place, context.since)
  return named(await sendParts(parts, context.marker, there, (text) => post(deps, body.place, text)))
}

/** The same, or changed where it stands: what was decided is shown. */
export async function commentUpsert(
  deps: SendDeps,
  { document, place }: Body<'comment.upsert'>,
  { marker, since, previous }: SendContext,
): Promise<EffectResult> {
  const parts = renderParts(document, deps.reading, marker)
  // Versions before 0.4 kept the id alone.
  const sent = previous?.id === undefined ? previous : { ref: String(previous.id), ...previous }
  return named(
    await rewriteParts(parts, marker, sent, () => ownComments(deps, place, since), {
      post: (text) => post(deps, place, text),
      edit: (id, text) => edit(deps, place, id, text),
      remove: (id) => remove(deps, place, id),
    }),
  )
}

/** GitHub's ids are numbers. */
function named(result: EffectResult): EffectResult {
  return { ...result, ...(result.ref === undefined ? {} : { id: Number(result.ref) }) }
}

/** Looks for a comment of ours with this marker. Others could copy the text, but not write it as our account. */
export async function lookUpComment(
  deps: SendDeps,
  body: Body<'status.upsert' | 'comment' | 'comment.upsert'>,
  { marker, since }: SendContext,
): Promise<EffectResult | undefined> {
  const there = await ownComments(deps, body.place, since)
  if (body.kind === 'comment.upsert') {
    const found = partsThere(there, marker)
    return found && named(found)
  }
  const count = body.kind === 'status.upsert' ? 1 : renderParts(body.document, deps.reading, marker).length
  const all = Array.from({ length: count }, (_, index) => there.get(partMarker(marker, index)))
  return all.every((one) => one !== undefined) ? named({ ref: all[0], parts: all }) : undefined
}

/** Our own comments in a thread since then, by their markers. */
async function ownComments(
  { client, self }: SendDeps,
  { repository, number }: Thread,
  since: number,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  const octokit = await client.on(repository, WRITE)
  const { id } = await self()
  const pages = octokit.paginate.iterator('GET /repos/{owner}/{repo}/issues/{issue_number}/comments', {
    ...names(repository),
    issue_number: number,
    since: new Date(clockFloor(since)).toISOString(),
    per_page: 100,
  })
  for await (const data of pagesOf(pages, 'comments', [], MAX_PAGES))
    for (const one of data) {
      const marker = one.user?.id === id ? markerIn(one.body) : undefined
      if (marker !== undefined) found.set(marker, String(idOf(one.id)))
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
