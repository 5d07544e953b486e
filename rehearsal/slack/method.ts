import { z } from 'zod'
import type { SlackMessage, SlackWorld } from './world.ts'

/** A method's answer; `error` as Slack names it. */
export type Answer = Readonly<Record<string, unknown>> & { readonly ok: boolean }
export type Method = (world: SlackWorld, args: Readonly<Record<string, unknown>>) => Answer

export const Id = z.string().min(1)
export const Post = z.object({
  channel: Id,
  text: z.string().optional(),
  blocks: z.array(z.unknown()).optional(),
  thread_ts: z.string().optional(),
  metadata: z.object({ event_type: z.string(), event_payload: z.looseObject({}) }).optional(),
})

export class Refused extends Error {}

export function read<T>(shape: z.ZodType<T>, args: unknown): T {
  const parsed = shape.safeParse(args)
  if (!parsed.success) throw new Refused('invalid_arguments')
  return parsed.data
}

export function mustBeIn(world: SlackWorld, channel: string): void {
  if (world.foreign.has(channel)) throw new Refused('not_in_channel')
  if (!world.channels.has(channel)) throw new Refused('channel_not_found')
}

export function mustFind(world: SlackWorld, channel: string, ts: string): SlackMessage {
  const found = world.find(channel, ts)
  if (!found) throw new Refused('message_not_found')
  return found
}
