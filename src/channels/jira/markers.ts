import { SendError } from '../types.ts'
import { asking, type JiraClient } from './client.ts'

/** How a comment carries its marker: a property, which people do not see. */
export const MARKER = 'muster.effect'

interface OwnComments {
  readonly client: JiraClient
  /** Muster's own account. */
  readonly self: () => Promise<string>
}

const PAGE = 100
/** So many of the newest comments are looked through. */
const MAX_PAGES = 20

/** Muster's own comments on a ticket, by their markers. A property could be written by others, a comment not in its name. */
export async function markersOn(deps: OwnComments, issueIdOrKey: string): Promise<ReadonlyMap<string, string>> {
  const own = await deps.self()
  const found = new Map<string, string>()
  for (let page = 0; page < MAX_PAGES; page++) {
    const { comments = [], total = 0 } = await asking(() =>
      deps.client.issueComments.getComments({
        issueIdOrKey,
        orderBy: '-created',
        startAt: page * PAGE,
        maxResults: PAGE,
        expand: 'properties',
      }),
    )
    for (const { id, author, properties } of comments) {
      if (id === undefined || author?.accountId !== own) continue
      const marker = await markerOf(deps, id, properties)
      if (marker !== undefined) found.set(marker, id)
    }
    if (comments.length < PAGE || (page + 1) * PAGE >= total) break
  }
  return found
}

type Properties = readonly { readonly key?: string | undefined; readonly value?: unknown }[] | undefined

/** Where the list does not bring the properties, each is asked for. */
async function markerOf(
  { client }: OwnComments,
  commentId: string,
  properties: Properties,
): Promise<string | undefined> {
  const value: unknown = properties
    ? properties.find(({ key }) => key === MARKER)?.value
    : await asking(() => client.issueCommentProperties.getCommentProperty({ commentId, propertyKey: MARKER })).then(
        (property) => property.value,
        (error: unknown) => {
          // It has none. Anything else is no answer: what is there would be written again.
          if (error instanceof SendError && error.trouble === 'gone') return undefined
          throw error
        },
      )
  const marker: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'marker') : undefined
  return typeof marker === 'string' ? marker : undefined
}
