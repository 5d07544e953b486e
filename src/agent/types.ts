import type { z } from 'zod'
import type { Answered, Message, ModelName, ModelReply, Needs, Picture, ToolResult } from '../llm/types.ts'
import type { Tool, ToolContext, ToolOutput } from '../tools/types.ts'

/** What a step has been through so far: replies that were paid for, with the results of their tools. */
export interface JournalTurn {
  /** What the conversation was opened with, and with later turns what people said before them; undefined in journals of before 0.5. */
  readonly opening?: string | undefined
  readonly reply: ModelReply
  /** Whose model it was. */
  readonly by: ModelName
  readonly results: readonly ToolResult[] | undefined
}

export interface Journal {
  load(): Promise<JournalTurn[]>
  /** Saves a reply and counts its cost, before anything is done with it. */
  saveReply(ordinal: number, answered: Answered, opening: string | undefined): Promise<void>
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

/** How an artefact is handed over. */
export interface HandOver {
  readonly name: string
  readonly description: string
}
export const FINISH: HandOver = { name: 'finish', description: 'Hand over the result; this ends your work.' }

/** One piece of agent work: a charter, a prompt, tools, and the artefact that is owed. */
export interface AgentJob<T> {
  readonly role: string
  readonly step: string
  readonly attempt: number
  readonly needs: Needs
  readonly system: string
  readonly prompt: string
  /** Shown with the prompt, to models that see. */
  readonly pictures?: readonly Picture[] | undefined
  /** What was said before, in an earlier step that this one goes on with. */
  readonly before?: { readonly messages: readonly Message[]; readonly last: ModelName | undefined } | undefined
  /** The tool that hands the artefact over; `finish` where nothing else is said. */
  readonly handOver?: HandOver | undefined
  /** Tools that other steps of the same conversation hand over by: they are there, so that the beginning stays the same, and closed. */
  readonly beside?: readonly (HandOver & { readonly artefact: z.ZodType })[] | undefined
  /** What is said is gone on with by a later step. */
  readonly isKept?: boolean | undefined
  readonly tools: readonly Tool[]
  readonly context: ToolContext | undefined
  readonly artefact: z.ZodType<T>
  /** A look at the artefact before it is accepted; a text sends it back to the model. */
  readonly check?: ((artefact: T) => Promise<ToolOutput | undefined>) | undefined
}

export type AgentOutcome<T> =
  | { readonly kind: 'finished'; readonly artefact: T }
  | { readonly kind: 'budget' }
  | { readonly kind: 'limit'; readonly what: 'turns' | 'time' | 'format' | 'refusal' | 'stuck' }
  /** The host did not accept what was handed over, again and again. */
  | { readonly kind: 'limit'; readonly what: 'checks'; readonly detail: string }
  /** What was handed over was no such result, and was not mended. */
  | { readonly kind: 'limit'; readonly what: 'artefact'; readonly detail: string }
