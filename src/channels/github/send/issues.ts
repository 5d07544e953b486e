import type { EffectBody, EffectResult } from '../../../core/effects.ts'
import { titleOf } from '../../../core/reply/foreign.ts'
import type { SendContext } from '../../types.ts'
import { idOf } from '../client.ts'
import { markerIn, renderMarkdown } from '../render.ts'
import { names, type SendDeps } from './types.ts'

type Body = Extract<EffectBody, { kind: 'issue.open' }>

const WRITE = { issues: 'write' } as const

/** The issue of something that was asked for in a chat. */
export async function openIssue(deps: SendDeps, body: Body, { marker }: SendContext): Promise<EffectResult> {
  const octokit = await deps.client.on(body.place.repository, WRITE)
  const { data } = await octokit.request('POST /repos/{owner}/{repo}/issues', {
    ...names(body.place.repository),
    title: titleOf(body.title, 100, deps.reading),
    body: renderMarkdown(body.document, deps.reading, marker),
  })
  return { id: idOf(data.id), number: data.number, url: data.html_url }
}

/** Issues by our own account with this marker; the one that is looked for is among the newest. */
export async function lookUpIssue(
  { client, self }: SendDeps,
  { place }: Body,
  { marker }: SendContext,
): Promise<EffectResult | undefined> {
  const octokit = await client.on(place.repository, WRITE)
  const { id, name } = await self()
  const { data } = await octokit.request('GET /repos/{owner}/{repo}/issues', {
    ...names(place.repository),
    creator: name,
    state: 'all',
    sort: 'created',
    direction: 'desc',
    per_page: 100,
  })
  const found = data.find((one) => one.user?.id === id && markerIn(one.body) === marker)
  return found && { id: idOf(found.id), number: found.number, url: found.html_url }
}
