/** The rehearsal's model server: it speaks the vendors' interfaces over HTTP, and a function answers. */

export type Api = 'anthropic' | 'responses' | 'chat'

/** A question, in one form by whichever interface it came. */
export interface Question {
  readonly api: Api
  readonly model: string
  readonly system: string
  readonly tools: readonly string[]
  /** The texts of the conversation, one for each turn, the newest last. */
  readonly texts: readonly string[]
  /** Which answer of the conversation this is, from 1. */
  readonly turn: number
  readonly body: unknown
}

/** What is answered. */
export interface Saying {
  readonly text?: string
  readonly tools?: readonly { readonly name: string; readonly input: unknown }[]
  readonly stop?: 'length' | 'refusal'
  readonly inputTokens?: number
  readonly outputTokens?: number
  readonly cachedTokens?: number
  /** The thinking that goes with it, opaque to everybody else. */
  readonly thinking?: string
  /** An error in place of an answer. */
  readonly status?: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Not at once. */
  readonly delayMs?: number
  /** The stream breaks off in the middle, or is no such stream at all. */
  readonly broken?: 'cut' | 'garbage'
}

/** One event of a stream; without a name only its data is sent. */
export interface StreamEvent {
  readonly name?: string
  readonly data: object | string
}

/** One interface. */
export interface Interface {
  /** @throws Error where it is no such request */
  read(body: unknown): Omit<Question, 'api' | 'body'>
  /** @param nth distinguishes ids */
  events(question: Question, saying: Saying, nth: number): StreamEvent[]
  /** The same, not streamed. */
  whole(question: Question, saying: Saying, nth: number): object
  /** An error as the vendor writes it. */
  error(status: number): object
}
