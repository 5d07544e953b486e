import { clip } from '../core/sanitise.ts'
import type { Block, Message, ToolResult } from './types.ts'

/** What a conversation is cut to where it is longer than a model's window. */
export interface Fitted {
  readonly messages: readonly Message[]
  /** What was left out, in words; undefined where nothing was. */
  readonly leftOut: string | undefined
  /** Up to which message everything but what people said is told in a few words; undefined where nothing had to be. */
  readonly shortened?: number | undefined
}

/** Of a model that was not asked yet. Source code has rather less than four; so that what fits by this count fits. */
const CHARACTERS_A_TOKEN = 3
/** What is cut is cut to so much of the room: then nothing more need be for a while, and a prompt cache finds the beginning again. */
const CUT_TO = 0.7
/** Cuts are made at every so many messages only, for the same reason. */
const STRIDE = 8
/** The last rounds are what is being worked on. */
const KEPT = 6
const SHORT = 300
const HINT = 'left out, since the conversation is longer than the model can take: look again if it matters'

/**
 * A conversation within a window. Old output of tools goes first, then what was done is told in a few words. The request, and whatever
 * people said, stay as they are.
 * @param besides characters that are sent with it (instructions, tools) @param tokens how many fit @param each characters a token
 * @returns undefined where that is not enough
 */
export function fitted(
  messages: readonly Message[],
  besides: number,
  tokens: number,
  each = CHARACTERS_A_TOKEN,
): Fitted | undefined {
  const room = roomOf(tokens, besides, each)
  const whole = sizeOf(messages)
  if (whole <= room) return { messages, leftOut: undefined }
  for (const cut of CUTS)
    for (let upTo = STRIDE; upTo < messages.length - KEPT + STRIDE; upTo += STRIDE) {
      const end = endOfRound(messages, Math.min(upTo, messages.length - KEPT))
      const shorter = cut(messages, end)
      const size = sizeOf(shorter)
      if (size <= room * CUT_TO || (end >= messages.length - KEPT && size <= room))
        return {
          messages: shorter,
          leftOut: `${whole - size} characters of older work`,
          shortened: cut === inFewWords ? end : undefined,
        }
    }
  return undefined
}

/** What a model asked for and what came of it stand or fall together. */
function endOfRound(messages: readonly Message[], upTo: number): number {
  return messages[upTo]?.role === 'tools' ? upTo + 1 : Math.max(1, upTo)
}

function withoutOldOutput(messages: readonly Message[], end: number): readonly Message[] {
  return messages.map((message, at) => {
    if (at >= end || message.role !== 'tools') return message
    const results = message.results.map((result) =>
      lengthOf(result) <= SHORT
        ? result
        : { id: result.id, isError: result.isError, text: `[${result.text.length} characters ${HINT}]` },
    )
    return { ...message, results }
  })
}

const TITLE = `## What you did so far, in short (${HINT})`

function inFewWords(messages: readonly Message[], end: number): readonly Message[] {
  const [first, ...rest] = messages
  if (first?.role !== 'user') return messages
  const told = rest.slice(0, end - 1).flatMap((message) => inWords(message))
  return [{ ...first, text: [first.text, TITLE, ...told].join('\n\n') }, ...rest.slice(end - 1)]
}

/** The same with a summary in place of the few words. What people said stays as it is. @param summary in a block that it cannot leave */
export function withSummary(messages: readonly Message[], end: number, summary: string): readonly Message[] {
  const [first, ...rest] = messages
  if (first?.role !== 'user') return messages
  const people = rest.slice(0, end - 1).flatMap((message) => (message.role === 'user' ? [message.text] : []))
  return [{ ...first, text: [first.text, TITLE, summary, ...people].join('\n\n') }, ...rest.slice(end - 1)]
}

/** What is to be summarised: what was done and what came of it, each no longer than so many characters. */
export function workIn(messages: readonly Message[], end: number, most: number): string {
  return messages
    .slice(1, end)
    .flatMap((message) =>
      message.role === 'tools' ? message.results.map(({ text }) => clip(text, most)) : inWords(message, most),
    )
    .join('\n\n')
}

function inWords(message: Message, most = SHORT): string[] {
  switch (message.role) {
    case 'user':
      return [message.text]
    case 'assistant':
      return message.blocks.flatMap((block) => blockInWords(block, most))
    case 'tools':
      return message.results.filter(({ isError }) => isError).map(({ text }) => `[failed: ${clip(text, SHORT)}]`)
  }
}

function blockInWords(block: Block, most: number): string[] {
  switch (block.type) {
    case 'text':
      return [clip(block.text, most)]
    case 'tool_use':
      return [`[called ${block.name} with ${clip(JSON.stringify(block.input) ?? '', most)}]`]
    case 'opaque':
      return []
  }
}

const CUTS = [withoutOldOutput, inFewWords]

/** A picture counts as some 1,600 tokens at most (Anthropic: width × height / 750, after it was made smaller). */
const PICTURE = 5000

/** How many characters of a conversation fit. */
export function roomOf(tokens: number, besides: number, each = CHARACTERS_A_TOKEN): number {
  return Math.floor(tokens * each) - besides
}

/** In characters. */
export function sizeOf(messages: readonly Message[]): number {
  return messages.reduce((sum, message) => sum + sizeOfOne(message), 0)
}

function sizeOfOne(message: Message): number {
  switch (message.role) {
    case 'user':
      return message.text.length + PICTURE * (message.pictures?.length ?? 0)
    case 'assistant':
      return JSON.stringify(message.blocks).length
    case 'tools':
      return message.results.reduce((sum, result) => sum + lengthOf(result), (message.note ?? '').length)
  }
}

function lengthOf({ text, picture }: ToolResult): number {
  return text.length + (picture ? PICTURE : 0)
}
