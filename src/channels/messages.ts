import type { EffectBody, EffectResult, SurfaceBody } from '../core/effects.ts'
import type { Document } from '../core/reply/document.ts'
import type { Reading } from '../core/reply/foreign.ts'
import { shown } from '../core/reply/read.ts'
import { type Inline, type Rich, type RichDocument, text } from '../core/reply/rich.ts'
import { numbered, partMarker, splitDocument } from '../core/reply/split.ts'
import { type Called, SendError } from './types.ts'

/** How much of one message a block takes in a channel, 1 being all of it. */
type SizeOf = (block: Rich) => number
/** What Muster has written in a place, by its markers. */
export type Markers = ReadonlyMap<string, string>

/** What stands on a ticket under a marker, and can be looked up. */
export const MARKED: ReadonlySet<EffectBody['kind']> = new Set(['card.upsert', 'message', 'message.upsert', 'whisper'])

/** A kind of effect of a newer version, or a damaged row; one of this version that is forgotten does not compile. @throws SendError */
export function unreadable(_body: never): never {
  throw new SendError('fatal', 'the stored effect cannot be read')
}

/** Clocks differ by less. */
const CLOCK_TOLERANCE_MS = 10 * 60_000

/** Nothing that was written at `since` by our clock is older by anybody else's. @returns ms since the epoch */
export function clockFloor(since: number): number {
  return Math.max(0, since - CLOCK_TOLERANCE_MS)
}

/** How a channel shows a message: who is called in it, and whether what is folded is read elsewhere, since nothing folds here. */
export interface Showing {
  readonly called?: readonly Called[] | undefined
  readonly unfolds?: boolean
}

/** A message as the parts that the channel takes, numbered where there are several. Only messages have parts. */
export function partsOf(
  body: EffectBody,
  sizeOf: SizeOf,
  how: Reading,
  { called = [], unfolds }: Showing = {},
): RichDocument[] {
  if (body.kind !== 'message' && body.kind !== 'message.upsert') return []
  const { whole } = body
  return shown(body.document, how, (rich) => {
    const short = unfolds && whole ? rich.map((block) => folded(block, whole)) : rich
    return numbered(splitDocument(calling(short, called), sizeOf))
  })
}

/** What is folded, as one line that says where it can be read. */
function folded(block: Rich, whole: string): Rich {
  if (block.kind !== 'details') return block
  const there: Inline = { kind: 'link', url: whole, children: [text('in full')] }
  return { kind: 'paragraph', children: [{ kind: 'strong', children: [text(block.summary)] }, text(': '), there] }
}

/** Whoever is asked is called where the asking stands; else at the top. */
function calling(document: RichDocument, called: readonly Called[]): RichDocument {
  if (called.length === 0) return document
  const names = called.flatMap(({ id, name }): Inline[] => [{ kind: 'mention', id, name }, text(' ')])
  const at = document.findIndex(({ kind }) => kind === 'ask')
  if (at < 0) return [{ kind: 'paragraph', children: names }, ...document]
  return document.map((block, index) =>
    index === at && block.kind === 'ask' ? { ...block, children: [...names, ...block.children] } : block,
  )
}

/** How many parts a message has: one at least. */
export function countParts(body: EffectBody, sizeOf: SizeOf): number {
  return Math.max(1, partsOf(body, sizeOf, { redact: (text) => text }).length)
}

/** The first part of a document: of what is edited in place there is only one. */
export function firstPart(document: Document, sizeOf: SizeOf, how: Reading): RichDocument {
  return shown(document, how, (rich) => splitDocument(rich, sizeOf)[0] ?? [])
}

/** The parts of a message that stand there, one after the other. */
export function partsThere(there: Markers, marker: string): EffectResult | undefined {
  const refs: string[] = []
  for (let ref = there.get(marker); ref !== undefined; ref = there.get(partMarker(marker, refs.length))) refs.push(ref)
  return refs.length > 0 ? { ref: refs[0], parts: refs } : undefined
}

/** What an earlier try left: all the parts of a message, or the one thing that was to be written. */
export function foundIn(
  there: Markers,
  body: SurfaceBody,
  marker: string,
  sizeOf: SizeOf,
  how: Reading,
  showing: Showing = {},
): EffectResult | undefined {
  // What is rewritten may have had more parts before, or fewer.
  if (body.kind === 'message.upsert') return partsThere(there, marker)
  const parts = partsOf(body, sizeOf, how, showing)
  const wanted = parts.length > 0 ? parts.map((_, index) => partMarker(marker, index)) : [marker]
  const found = wanted.map((one) => there.get(one))
  return found.every((ref) => ref !== undefined) ? { ref: found[0], parts: found } : undefined
}

/**
 * Writes the parts of a message in order, each of them once: of several, some may be there from a try that was cut off.
 */
export async function sendParts<Part>(
  parts: readonly Part[],
  marker: string,
  markers: () => Promise<Markers>,
  post: Post<Part>,
): Promise<EffectResult> {
  const there: Markers = parts.length > 1 ? await markers() : new Map()
  const refs: string[] = []
  for (const [index, part] of parts.entries()) {
    const name = partMarker(marker, index)
    refs.push(there.get(name) ?? (await post(part, name, index === parts.length - 1, index)))
  }
  return { ref: refs[0], parts: refs }
}

/** How a channel writes one part of a message. `last` is the one that buttons hang on. @returns what the part is called there */
type Post<Part> = (part: Part, marker: string, last: boolean, index: number) => Promise<string>

/** How a channel changes what stands there. A part that somebody deleted stays deleted: that was a person's wish. */
export interface Rewriter<Part> {
  readonly post: Post<Part>
  readonly edit: (ref: string, part: Part, marker: string) => Promise<void>
  readonly remove: (ref: string) => Promise<void>
}

/**
 * Changes a message that stands there: its parts where they are, what it has less of goes, and what it has more of comes last. One that
 * was never sent is sent.
 * @param previous what sending it before brought
 */
export async function rewriteParts<Part>(
  parts: readonly Part[],
  marker: string,
  previous: EffectResult | undefined,
  markers: () => Promise<Markers>,
  { post, edit, remove }: Rewriter<Part>,
): Promise<EffectResult> {
  if (previous?.ref === undefined) return sendParts(parts, marker, markers, post)
  const known = previous.parts ?? []
  // Nobody wrote down what the parts are called, or some may be there from a try that was cut off.
  const there: Markers = known.length < parts.length || known.length === 0 ? await markers() : new Map()
  const refs: string[] = []
  for (let index = 0; ; index++) {
    const name = partMarker(marker, index)
    const ref = known[index] ?? there.get(name)
    const part = parts[index]
    if (ref === undefined && part === undefined) return { ref: refs[0] ?? previous.ref, parts: refs }
    if (part === undefined) {
      if (ref !== undefined) await remove(ref)
    } else if (ref === undefined) refs.push(await post(part, name, false, index))
    else {
      await edit(ref, part, name)
      refs.push(ref)
    }
  }
}
