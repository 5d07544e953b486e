import { neutralise, oneLine } from '../neutralise.ts'

/**
 * A message as every channel can show it. Texts are inline Markdown that is safe to post: Muster's own words, or
 * model words that went through `said` / `brief`.
 */
export type Block =
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'paragraph'; readonly text: string }
  /** What is asked of people; shown first and loudest. */
  | { readonly kind: 'ask'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[]; readonly ordered: boolean }
  | { readonly kind: 'checklist'; readonly items: readonly { readonly done: boolean; readonly text: string }[] }
  | { readonly kind: 'table'; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: 'code'; readonly lang: string; readonly text: string }
  | { readonly kind: 'diagram'; readonly source: string }
  | { readonly kind: 'details'; readonly summary: string; readonly blocks: readonly Block[] }

export type Document = readonly Block[]

export const heading = (text: string): Block => ({ kind: 'heading', text })
export const paragraph = (text: string): Block => ({ kind: 'paragraph', text })
export const ask = (text: string): Block => ({ kind: 'ask', text })
export const list = (items: readonly string[], ordered = false): Block => ({ kind: 'list', items, ordered })
export const code = (text: string, lang = ''): Block => ({ kind: 'code', lang, text })
export const details = (summary: string, blocks: readonly Block[]): Block => ({ kind: 'details', summary, blocks })
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): Block => ({
  kind: 'table',
  head,
  rows,
})

/** Words of the model or of a third party, safe to post as Markdown. */
export function said(text: string): string {
  return neutralise(text)
}

/** The same on one line. */
export function brief(text: string, max = 120): string {
  return oneLine(text, max)
}

/** A span of time as people say it. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60
    ? `${minutes} min ${seconds % 60 === 0 ? '' : `${seconds % 60} s`}`.trim()
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** Dollars with as many digits as matter. */
/** A time of day with its date, for people in any time zone: `14:03 UTC, 20 Nov`. */
export function clockTime(at: number): string {
  const date = new Date(at)
  const month =
    ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][date.getUTCMonth()] ?? ''
  return `${date.toISOString().slice(11, 16)} UTC, ${date.getUTCDate()} ${month}`
}

export function dollars(usd: number): string {
  return usd !== 0 && usd < 0.01 ? '<$0.01' : `$${usd.toFixed(2)}`
}

/** A SHA as people read it. */
export function shortSha(sha: string): string {
  return `\`${sha.slice(0, 7)}\``
}
