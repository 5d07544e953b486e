import type { EffectBody, EffectResult, SurfaceBody } from '../core/effects.ts'
import type { Document } from '../core/reply/document.ts'
import type { Reading } from '../core/reply/foreign.ts'
import { shown } from '../core/reply/read.ts'
import type { Rich, RichDocument } from '../core/reply/rich.ts'
import { numbered, partMarker, splitDocument } from '../core/reply/split.ts'

/** How much of one message a block takes in a channel, 1 being all of it. */
type SizeOf = (block: Rich) => number
/** What Muster has written in a place, by its markers. */
export type Markers = ReadonlyMap<string, string>

/** A message as the parts that the channel takes, numbered where there are several. Only messages have parts. */
export function partsOf(body: EffectBody, sizeOf: SizeOf, how: Reading): RichDocument[] {
  return body.kind === 'message' || body.kind === 'message.upsert'
    ? shown(body.document, how, (rich) => numbered(splitDocument(rich, sizeOf)))
    : []
}

/** How many parts a message has: one at least. */
export function countParts(body: EffectBody, sizeOf: SizeOf): number {
  return Math.max(1, partsOf(body, sizeOf, { redact: (text) => text }).length)
}

/** The first part of a document: of what is edited in place there is only one. */
export function firstPart(document: Document, sizeOf: SizeOf, how: Reading): RichDocument {
  return shown(document, how, (rich) => splitDocument(rich, sizeOf)[0] ?? [])
}

/** What an earlier try left: all the parts of a message, or the one thing that was to be written. */
export function foundIn(
  there: Markers,
  body: SurfaceBody,
  marker: string,
  sizeOf: SizeOf,
  how: Reading,
): EffectResult | undefined {
  const parts = partsOf(body, sizeOf, how)
  const wanted = parts.length > 0 ? parts.map((_, index) => partMarker(marker, index)) : [marker]
  const found = wanted.map((one) => there.get(one))
  return found.every((ref) => ref !== undefined) ? { ref: found[0] } : undefined
}

/**
 * Writes the parts of a message in order, each of them once: of several, some may be there from a try that was cut off.
 * @param post writes one part under its marker; `last` is the one that buttons hang on
 */
export async function sendParts(
  parts: readonly RichDocument[],
  marker: string,
  markers: () => Promise<Markers>,
  post: (part: RichDocument, marker: string, last: boolean, index: number) => Promise<EffectResult>,
): Promise<EffectResult> {
  const there: Markers = parts.length > 1 ? await markers() : new Map()
  let first: EffectResult | undefined
  for (const [index, part] of parts.entries()) {
    const name = partMarker(marker, index)
    const known = there.get(name)
    const posted = known === undefined ? await post(part, name, index === parts.length - 1, index) : { ref: known }
    first ??= posted
  }
  return first ?? {}
}
