import type { Document } from '../../core/reply/document.ts'
import { writeMarkdown } from '../../core/reply/markdown.ts'
import type { Reading } from '../../core/reply/foreign.ts'
import { shown } from '../../core/reply/read.ts'
import type { RichDocument } from '../../core/reply/rich.ts'
import { numbered, partMarker, splitDocument } from '../../core/reply/split.ts'

/** GitHub takes 65,536 characters (limits.md); some are left for the marker and the number of a part. */
const ROOM = 60_000
/** Bodies that cannot be several are cut here. */
const MAX_BODY = 65_000

/** A document as GitHub's Markdown, with the marker out of sight at its top (where no cut reaches it). */
export function renderMarkdown(document: Document, how: Reading, marker?: string): string {
  return shown(document, how, (rich) => withMarker(rich, how, marker))
}

function withMarker(document: RichDocument, { redact }: Reading, marker: string | undefined): string {
  const text = redact(writeMarkdown(document))
  const cut =
    text.length > MAX_BODY ? `${text.slice(0, MAX_BODY - 200)}\n\n… (cut: the rest does not fit into a comment)` : text
  return marker ? `<!-- ${marker} -->\n${cut}` : cut
}

/** A document as one comment, or as several that follow each other: nothing is left out, and each says which it is ("2/3"). */
export function renderParts(document: Document, how: Reading, marker: string): string[] {
  return shown(document, how, (rich) =>
    numbered(splitDocument(rich, (block) => writeMarkdown([block]).length / ROOM)).map((blocks, index) =>
      withMarker(blocks, how, partMarker(marker, index)),
    ),
  )
}

/** The marker in a body that GitHub gave back, if there is one. */
export function markerIn(body: string | null | undefined): string | undefined {
  return /^<!-- (muster:[\w.:-]+) -->/.exec(body ?? '')?.[1]
}
