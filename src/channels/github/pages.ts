import type { GithubClient } from './client.ts'

/** 30,000 rows of one list: whoever has more is told, and the rest stays unread. */
const MAX_PAGES = 300

export type Octokit = GithubClient['app']

/** Lists that were longer than is read, in words. */
export type Cut = string[]

/**
 * The pages of a list (`octokit.paginate.iterator`), at most so many.
 * @param cut told the list's name where there were more
 */
export async function* pagesOf<T>(
  pages: AsyncIterable<{ readonly data: T; readonly headers: { readonly link?: string | undefined } }>,
  what = '',
  cut: Cut = [],
  most = MAX_PAGES,
): AsyncGenerator<T> {
  let read = 0
  for await (const { data, headers } of pages) {
    yield data
    if (++read < most) continue
    if (headers.link?.includes('rel="next"')) cut.push(what)
    return
  }
}
