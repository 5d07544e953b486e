import type { EffectResult } from '../../../core/effects.ts'
import { idOf } from '../client.ts'
import { pagesOf } from '../pages.ts'
import { markerIn } from '../render.ts'

interface Said {
  readonly id: number | bigint
  readonly html_url: string
  readonly body?: string | null | undefined
  readonly user?: { readonly id: number | bigint } | null | undefined
}

/** What an earlier try has left in a list: ours, with the marker of the effect. */
export async function markedIn(
  pages: Parameters<typeof pagesOf<readonly Said[]>>[0],
  self: number,
  marker: string,
): Promise<EffectResult | undefined> {
  for await (const data of pagesOf(pages)) {
    const found = data.find(({ user, body }) => user?.id === self && markerIn(body) === marker)
    if (found) return { id: idOf(found.id), url: found.html_url }
  }
  return undefined
}
