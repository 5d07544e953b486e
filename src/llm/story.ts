import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { canonicalJson } from '../core/hash.ts'
import { ModelError, type ModelProvider, type ModelReply, type ModelRequest } from './types.ts'

/**
 * Stories: recorded conversations with a model, played back in its place. A turn is found by role, step, attempt and
 * number; what is asked must look as it did when the story was recorded, or the story stops, loudly.
 */

/** A reply as it is stored. */
export const Reply = z.object({
  model: z.string(),
  blocks: z.array(
    z.union([
      z.object({ type: z.literal('text'), text: z.string() }),
      z.object({ type: z.literal('tool_use'), id: z.string(), name: z.string(), input: z.unknown() }),
      z.object({ type: z.literal('opaque'), value: z.unknown() }),
    ]),
  ),
  stop: z.enum(['end', 'tools', 'length', 'refusal']),
  usage: z.object({
    inputTokens: z.number(),
    outputTokens: z.number(),
    cacheReadTokens: z.number(),
    cacheWriteTokens: z.number(),
  }),
})
const Expected = z.object({ tools: z.array(z.string()), prompt: z.array(z.string()), results: z.array(z.string()) })
const Turn = z.object({
  role: z.string(),
  step: z.string(),
  attempt: z.number(),
  turn: z.number(),
  expected: Expected,
  reply: Reply,
})
const Story = z.object({ name: z.string(), turns: z.array(Turn) })
export type Story = z.infer<typeof Story>

/** Reads a story file. @throws ModelError when it is none */
export function readStory(file: string): Story {
  try {
    return Story.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    throw new ModelError('story', `${file} is no readable story`, { cause: error })
  }
}

/** The model's part played from a story. */
export function scriptedProvider(story: Story): ModelProvider {
  return {
    async complete(request) {
      const { role, step, attempt, turn } = request.origin
      const found = story.turns.find(
        (one) => one.role === role && one.step === step && one.attempt === attempt && one.turn === turn,
      )
      if (!found)
        throw new ModelError(
          'story',
          `the story "${story.name}" has no turn ${turn} for ${role} in ${step}, attempt ${attempt}`,
        )
      const asked = fingerprint(request)
      if (canonicalJson(asked) !== canonicalJson(found.expected)) {
        throw new ModelError(
          'story',
          `the story "${story.name}" expects something else at ${role}/${step} turn ${turn}: wanted ${canonicalJson(found.expected)}, got ${canonicalJson(asked)}`,
        )
      }
      return replyOf(found.reply)
    },
  }
}

function replyOf(reply: z.infer<typeof Reply>): ModelReply {
  return {
    ...reply,
    blocks: reply.blocks.map((block) =>
      block.type === 'tool_use'
        ? { ...block, input: block.input ?? {} }
        : block.type === 'opaque'
          ? { ...block, value: block.value }
          : block,
    ),
  }
}

/** Passes every call on and writes the answered ones to a story file. */
export function recordingProvider(inner: ModelProvider, file: string, name: string): ModelProvider {
  const turns: Story['turns'] = []
  return {
    async complete(request) {
      const reply = await inner.complete(request)
      const { role, step, attempt, turn } = request.origin
      turns.push({
        role,
        step,
        attempt,
        turn,
        expected: fingerprint(request),
        reply: { ...reply, blocks: reply.blocks.map((block) => ({ ...block })) },
      })
      writeFileSync(`${file}.part`, `${JSON.stringify({ name, turns }, null, 1)}\n`)
      renameSync(`${file}.part`, file)
      return reply
    },
  }
}

/**
 * What a request looks like, without what changes from run to run: the tools offered, the headings of the prompt, and
 * of each tool result whether it failed and how it begins, with all numbers masked (but for exit codes).
 */
export function fingerprint(request: ModelRequest): Story['turns'][number]['expected'] {
  const first = request.messages[0]
  const last = request.messages.at(-1)
  const prompt =
    first?.role === 'user'
      ? first.text
          .split('\n')
          .filter((line) => /^#{1,3} /.test(line))
          .map(mask)
      : []
  const results =
    last?.role === 'tools'
      ? last.results.map((result) => `${result.isError ? 'error' : 'ok'}: ${mask(result.text.split('\n', 1)[0] ?? '')}`)
      : []
  return { tools: request.tools.map((tool) => tool.name).toSorted(), prompt, results }
}

function mask(line: string): string {
  const text = line.slice(0, 160).trim()
  return /^exit code \d+$/.test(text) ? text : text.replace(/\b[0-9a-f]{7,40}\b/g, 'H').replace(/\d+([.,]\d+)*/g, 'N')
}
