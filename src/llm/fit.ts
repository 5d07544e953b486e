import { clip } from '../core/sanitise.ts'
import type { Block, Message } from './types.ts'

/** What a conversation is cut to where it is longer than a model's window. */
export interface Fitted {
  readonly messages: readonly Message[]
  /** What was left out, in words; undefined where nothing was. */
  readonly leftOut: string | undefined
}

/** Source code has rather less than four; so that what fits by this count fits. */
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
 * @param besides characters that are sent with it (instructions, tools) @param tokens how many fit
 * @returns undefined where that is not enough
 */
export function fitted(messages: readonly Message[], besides: number, tokens: number): Fitted | undefined {
  const room = tokens * CHARACTERS_A_TOKEN - besides
  const whole = sizeOf(messages)
  if (whole <= room) return { messages, leftOut: undefined }
  for (const cut of [withoutOldOutput, inFewWords])
    for (let upTo = STRIDE; upTo < messages.length - KEPT + STRIDE; upTo += STRIDE) {
      const end = endOfRound(messages, Math.min(upTo, messages.length - KEPT))
      const shorter = cut(messages, end)
      const size = sizeOf(shorter)
      if (size <= room * CUT_TO || (end >= messages.length - KEPT && size <= room))
        return { messages: shorter, leftOut: `${whole - size} characters of older work` }
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
      result.text.length <= SHORT ? result : { ...result, text: `[${result.text.length} characters ${HINT}]` },
    )
    return { ...message, results }
  })
}

function inFewWords(messages: readonly Message[], end: number): readonly Message[] {
  const [first, ...rest] = messages
  if (first?.role !== 'user') return messages
  const told = rest.slice(0, end - 1).flatMap(inWords)
  const text = [first.text, `## What you did so far, in short (${HINT})`, ...told].join('\n\n')
  return [{ role: 'user', text }, ...rest.slice(end - 1)]
}

function inWords(message: Message): string[] {
  switch (message.role) {
    case 'user':
      return [message.text]
    case 'assistant':
      return message.blocks.flatMap(blockInWords)
    case 'tools':
      return message.results.filter(({ isError }) => isError).map(({ text }) => `[failed: ${clip(text, SHORT)}]`)
  }
}

function blockInWords(block: Block): string[] {
  switch (block.type) {
    case 'text':
      return [clip(block.text, SHORT)]
    case 'tool_use':
      return [`[called ${block.name} with ${clip(JSON.stringify(block.input) ?? '', SHORT)}]`]
    case 'opaque':
      return []
  }
}

function sizeOf(messages: readonly Message[]): number {
  return messages.reduce((sum, message) => sum + sizeOfOne(message), 0)
}

function sizeOfOne(message: Message): number {
  switch (message.role) {
    case 'user':
      return message.text.length
    case 'assistant':
      return JSON.stringify(message.blocks).length
    case 'tools':
      return message.results.reduce((sum, { text }) => sum + text.length, (message.note ?? '').length)
  }
}
