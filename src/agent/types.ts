import type { z } from 'zod'
import type { Answered, ModelName, ModelReply, Needs, ToolResult } from '../llm/types.ts'
import type { Tool, ToolContext, ToolOutput } from '../tools/types.ts'

/** What a step has been through so far: replies that were paid for, with the results of their tools. */
export interface JournalTurn {
  readonly reply: ModelReply
  /** Whose model it was. */
  readonly by: ModelName
  readonly results: readonly ToolResult[] | undefined
}

export interface Journal {
  load(): Promise<JournalTurn[]>
  /** Saves a reply and counts its cost, before anything is done with it. */
  saveReply(ordinal: number, answered: Answered): Promise<void>
  saveResults(ordinal: number, results: readonly ToolResult[]): Promise<void>
}

export interface AgentLimits {
  readonly turns: number
  readonly ms: number
  /** Dollars that may still be spent on the step. */
  readonly usd: number
  /** Asked when they are spent: how many more there are, 0 where none. */
  readonly more: () => Promise<number>
  /** Dollars that the task may have cost by then: at 80 % of it the model is told to wrap up. */
  readonly capUsd: number
}

/** One piece of agent work: a charter, a prompt, tools, and the artefact that is owed. */
export interface AgentJob<T> {
  readonly role: string
  readonly step: string
  readonly attempt: number
  readonly needs: Needs
  readonly system: string
  readonly prompt: string
  readonly tools: readonly Tool[]
  readonly context: ToolContext | undefined
  readonly artefact: z.ZodType<T>
  /** A look at the artefact before it is accepted; a text sends it back to the model. */
  readonly check?: ((artefact: T) => Promise<ToolOutput | undefined>) | undefined
}

export type AgentOutcome<T> =
  | { readonly kind: 'finished'; readonly artefact: T }
  | { readonly kind: 'budget' }
  | { readonly kind: 'limit'; readonly what: 'turns' | 'time' | 'format' | 'refusal' }
  /** The host did not accept what was handed over, again and again. */
  | { readonly kind: 'limit'; readonly what: 'checks'; readonly detail: string }
  /** What was handed over was no such result, and was not mended. */
  | { readonly kind: 'limit'; readonly what: 'artefact'; readonly detail: string }
