import { withoutEnd } from './text.ts'
import { visibleWords } from './visible.ts'

/** Places that a text names: addresses, and names of tickets (`SHOP-12`). Nothing of code or quotes. */
export interface References {
  readonly urls: readonly URL[]
  readonly names: readonly string[]
}

/** So many of each are looked at: a text is not a list of orders. */
const MAX = 8

export function referencesIn(text: string): References {
  const words = visibleWords(text)
  const addresses = words.match(/https?:\/\/[^\s<>()[\]"'|`]{3,2000}/g) ?? []
  const urls = addresses.map((one) => withoutEnd(one, '.,;:!?')).filter((one) => URL.canParse(one))
  const names = words.replaceAll(/https?:\/\/\S+/g, ' ').match(/\b[A-Z][A-Z0-9_]{1,20}-\d{1,9}\b/g) ?? []
  return { urls: [...new Set(urls)].slice(0, MAX).map((one) => new URL(one)), names: [...new Set(names)].slice(0, MAX) }
}

/** The issue or pull request that an address leads to. @param serverUrl GitHub's */
export function issueAt(
  url: URL,
  serverUrl: string,
): { readonly owner: string; readonly name: string; readonly number: number } | undefined {
  if (url.host !== new URL(serverUrl).host) return undefined
  const [, owner, name, number] =
    /^\/([\w-]{1,39})\/([\w.-]{1,100})\/(?:issues|pull)\/(\d{1,9})\/?$/.exec(url.pathname) ?? []
  return owner && name && number ? { owner, name, number: Number(number) } : undefined
}
