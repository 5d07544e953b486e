import type { Words } from './words.ts'

export {
  brief,
  closes,
  issue,
  joined,
  link,
  mono,
  NOTHING,
  type Own,
  type Piece,
  theirs,
  say,
  shortSha,
  value,
  type Words,
} from './words.ts'

/** A message as every channel can show it. */
export type Block =
  | { readonly kind: 'heading'; readonly text: Words }
  | { readonly kind: 'paragraph'; readonly text: Words }
  /** What is asked of people; shown first and loudest. */
  | { readonly kind: 'ask'; readonly text: Words }
  | { readonly kind: 'list'; readonly items: readonly Words[]; readonly ordered: boolean }
  | { readonly kind: 'checklist'; readonly items: readonly { readonly done: boolean; readonly text: Words }[] }
  | { readonly kind: 'table'; readonly head: readonly Words[]; readonly rows: readonly (readonly Words[])[] }
  /** Foreign: what a program printed. */
  | { readonly kind: 'code'; readonly lang: string; readonly text: string }
  /** Muster's own, made of numbers and names of steps. */
  | { readonly kind: 'diagram'; readonly source: string }
  | { readonly kind: 'details'; readonly summary: string; readonly blocks: readonly Block[] }

export type Document = readonly Block[]

export const heading = (text: Words): Block => ({ kind: 'heading', text })
export const paragraph = (text: Words): Block => ({ kind: 'paragraph', text })
export const ask = (text: Words): Block => ({ kind: 'ask', text })
export const list = (items: readonly Words[], ordered = false): Block => ({ kind: 'list', items, ordered })
export const code = (text: string, lang = ''): Block => ({ kind: 'code', lang, text })
export const details = (summary: string, blocks: readonly Block[]): Block => ({ kind: 'details', summary, blocks })
export const table = (head: readonly Words[], rows: readonly (readonly Words[])[]): Block => ({
  kind: 'table',
  head,
  rows,
})

/** A span of time as people say it. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60
    ? `${minutes} min ${seconds % 60 === 0 ? '' : `${seconds % 60} s`}`.trim()
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** A time of day with its date, for people in any time zone: `14:03 UTC, 20 Nov`. */
export function clockTime(at: number): string {
  const date = new Date(at)
  const month =
    ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][date.getUTCMonth()] ?? ''
  return `${date.toISOString().slice(11, 16)} UTC, ${date.getUTCDate()} ${month}`
}

/** Dollars with as many digits as matter. */
export function dollars(usd: number): string {
  return usd !== 0 && usd < 0.01 ? '<$0.01' : `$${usd.toFixed(2)}`
}
