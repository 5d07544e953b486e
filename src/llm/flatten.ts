import { clip } from '../core/sanitise.ts'
import type { Block, Message, ProviderName, ToolResult } from './types.ts'

/**
 * Models refuse a conversation with turns that are not their own: without their thinking in them, or with somebody else's. Where
 * another provider goes on, what was said and done so far is told to it in words.
 */

/** Of each result, so much is told on; what matters can be looked at again. */
const MAX_RESULT = 6000

/** The same for a model that sees no pictures: it is told that there was one. */
export function withoutPictures(messages: readonly Message[]): readonly Message[] {
  if (!hasPictures(messages)) return messages
  return messages.map((message): Message => {
    if (message.role === 'tools') return { ...message, results: message.results.map(unseen) }
    if (message.role !== 'user' || !message.pictures?.length) return message
    return { role: 'user', text: `${message.text}\n\n(${message.pictures.length} pictures, which are not shown here)` }
  })
}

export function hasPictures(messages: readonly Message[]): boolean {
  return messages.some((message) => {
    if (message.role === 'user') return (message.pictures?.length ?? 0) > 0
    return message.role === 'tools' && message.results.some(({ picture }) => picture)
  })
}

function unseen({ picture, ...result }: ToolResult): ToolResult {
  return picture ? { ...result, text: `${result.text}\n(a picture, which is not shown here)` } : result
}

/** Whose turn it was; in journals of before there were several, Anthropic's. */
function speakerOf(message: Extract<Message, { role: 'assistant' }>): ProviderName {
  return message.by ?? 'anthropic'
}

/** The conversation as a provider can go on with it. @param nonce ends the blocks that hold what tools answered */
export function messagesFor(messages: readonly Message[], provider: ProviderName, nonce: string): readonly Message[] {
  const last = messages.findLastIndex((one) => one.role === 'assistant' && speakerOf(one) !== provider)
  if (last < 0) return messages
  // What that turn asked for was answered right after it.
  const end = messages[last + 1]?.role === 'tools' ? last + 2 : last + 1
  const [first, ...foreign] = messages.slice(0, end)
  const opening = first?.role === 'user' ? first.text : ''
  const told = foreign.map((message) => toldOn(message, nonce)).filter(Boolean)
  const text = [opening, '## What was done so far (by another model; its tools were yours)', ...told].join('\n\n')
  const pictures = first?.role === 'user' ? first.pictures : undefined
  return [{ role: 'user', text, ...(pictures ? { pictures } : {}) }, ...messages.slice(end)]
}

function toldOn(message: Message, nonce: string): string {
  switch (message.role) {
    case 'user':
      return message.text
    case 'assistant':
      return message.blocks.map(blockText).filter(Boolean).join('\n')
    case 'tools':
      return [...message.results.map((result) => resultText(result, nonce)), message.note ?? '']
        .filter(Boolean)
        .join('\n')
  }
}

function blockText(block: Block): string {
  switch (block.type) {
    case 'text':
      return block.text
    case 'tool_use':
      return `[called ${block.name} with ${clip(JSON.stringify(block.input) ?? '', MAX_RESULT)}]`
    case 'opaque':
      return ''
  }
}

function resultText({ text, isError }: ToolResult, nonce: string): string {
  // As it was, and not as people's words are: it may be code.
  const name = `${isError ? 'failed' : 'result'}-${nonce}`
  return `<${name}>\n${clip(text, MAX_RESULT).replaceAll(nonce, '')}\n</${name}>`
}
