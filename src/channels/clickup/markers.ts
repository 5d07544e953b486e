import type { ClickupClient } from './client.ts'
import type { CommentPart } from './render.ts'
import type { Comment } from './schema.ts'
import type { z } from 'zod'

interface OwnComments {
  readonly client: ClickupClient
  /** Muster's own account. */
  readonly self: () => Promise<string>
}

const MARKER = /#(muster:[\w.:-]{10,160})$/
const PAGE = 25
/** So many of the newest comments are looked through. */
const MAX_PAGES = 40

/**
 * The last line of a comment. ClickUp has no place for what people do not see: the marker stands in the address of the
 * signature, where it disturbs nobody.
 */
export function signed(publicUrl: string, marker: string): CommentPart[] {
  return [
    { text: '— ' },
    { text: 'Muster', attributes: { italic: true, link: `${publicUrl}/#${marker}` } },
    { text: '\n' },
  ]
}

/** Muster's own comments on a task, by their markers. Others could copy one, but not write in its name. */
export async function markersOn({ client, self }: OwnComments, task: string): Promise<ReadonlyMap<string, string>> {
  const own = await self()
  const found = new Map<string, string>()
  let before: z.infer<typeof Comment> | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const comments = await client.comments(task, before)
    for (const comment of comments) {
      const marker = comment.user?.id === own ? markerIn(comment) : undefined
      if (marker !== undefined) found.set(marker, comment.id)
    }
    before = comments.at(-1)
    if (comments.length < PAGE) break
  }
  return found
}

function markerIn({ comment = [] }: z.infer<typeof Comment>): string | undefined {
  for (const { attributes } of comment.toReversed()) {
    const link: unknown = attributes && Reflect.get(attributes, 'link')
    const marker = typeof link === 'string' ? MARKER.exec(link)?.[1] : undefined
    if (marker !== undefined) return marker
  }
  return undefined
}
