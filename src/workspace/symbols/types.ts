import type { Ranked, Wanted } from '../../core/symbols.ts'

/** What the thread that knows symbols is asked. `file`: where what is known of a repository is kept. */
export type Question =
  /** Which of these are not known yet. */
  | { readonly kind: 'missing'; readonly file: string; readonly blobs: readonly string[] }
  /** Reads files. */
  | {
      readonly kind: 'read'
      readonly file: string
      readonly texts: readonly { readonly blob: string; readonly language: string; readonly text: string }[]
    }
  /** Which files matter, of those that are known. */
  | {
      readonly kind: 'rank'
      readonly file: string
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
