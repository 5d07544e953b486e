import type { Ranked, Wanted } from '../../core/symbols.ts'

/** A file to be read. */
export interface Text {
  readonly blob: string
  readonly language: string
  readonly text: string
}

/** What the thread that knows the symbols of a repository is asked. */
export type Question =
  /** Which of these are not known yet. */
  | { readonly kind: 'missing'; readonly blobs: readonly string[] }
  | { readonly kind: 'read'; readonly texts: readonly Text[] }
  /** Which files matter, of those that are known. */
  | {
      readonly kind: 'rank'
      /** The commit: of the same, the same files are in the same places. */
      readonly sha: string
      readonly files: readonly { readonly path: string; readonly blob: string }[]
      readonly wanted: Wanted
    }

export interface Answer {
  readonly id: number
  readonly value?: readonly string[] | readonly Ranked[]
  readonly error?: string
}
