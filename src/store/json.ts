import { isPluginId } from '../core/registry.ts'
import { type ChannelName, channelNamed } from '../core/said.ts'
import type { Prisma } from './generated/client.ts'

/**
 * The boundary between the database's JSON columns and the types. What stands there was written by this program and is
 * read back as the same type; this file is the only place where that is taken on trust.
 */
export function toJson(value: unknown): Prisma.InputJsonValue {
  return JSON.parse(jsonText(value ?? {})) as Prisma.InputJsonValue
}

/** A stored value as the type it was written as. */
export function fromJson<T>(value: unknown): T {
  return value as T
}

/** JSON as PostgreSQL takes it: no NUL, no half of a surrogate pair, wherever a program's output may have had one. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value)
  // Both are written as escapes; whatever only looks like one is read a second time for nothing.
  if (!/\\u(?:0000|d[89a-f])/.test(text)) return text
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'string' ? cleanText(inner) : inner))
}

/** The same for a text column. */
export function cleanText(text: string): string {
  return text.replaceAll('\0', '\ufffd').toWellFormed()
}

/** The channel column of a row. @throws Error when a newer version wrote it */
export function channelIn({ channel }: Readonly<Record<string, unknown>>): ChannelName {
  const name = channelNamed(channel)
  // Of a plug-in that is gone by now: who is who there is kept.
  if (!name && typeof channel === 'string' && isPluginId(channel)) return channel
  if (!name) throw new Error(`the database names a channel that is not known here: ${String(channel)}`)
  return name
}

/** A bytea column, whichever driver read it. */
export function bytesOf(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array()
}

/** A value as it will be read back: no `undefined`, no text that PostgreSQL cannot keep. */
export function plainOf(value: unknown): unknown {
  return JSON.parse(jsonText(value))
}
