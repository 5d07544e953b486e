import type { Block, Document } from './document.ts'
import { parseInline, parseMarkdown } from './parse.ts'
import type { Rich, RichDocument, RichItem } from './rich.ts'

/** A document as its writers make it (with Markdown in its texts) as typed nodes, ready for any channel. */
export function richOf(document: Document): RichDocument {
  return document.flatMap(richBlock)
}

function richBlock(block: Block): readonly Rich[] {
  switch (block.kind) {
    case 'heading':
      return [{ kind: 'heading', depth: 3, children: parseInline(block.text) }]
    case 'paragraph':
      return parseMarkdown(block.text)
    case 'ask':
      return [{ kind: 'ask', children: parseInline(block.text) }]
    case 'list':
      return [{ kind: 'list', ordered: block.ordered, start: 1, items: block.items.map((item) => richItem(item)) }]
    case 'checklist':
      return [
        {
          kind: 'list',
          ordered: false,
          start: 1,
          items: block.items.map((item) => richItem(item.text, item.done)),
        },
      ]
    case 'table':
      return [{ kind: 'table', head: block.head.map(parseInline), rows: block.rows.map((row) => row.map(parseInline)) }]
    case 'code':
      return [{ kind: 'code', lang: block.lang, text: block.text }]
    case 'diagram':
      return [{ kind: 'diagram', source: block.source }]
    case 'details':
      return [{ kind: 'details', summary: block.summary, blocks: richOf(block.blocks) }]
  }
}

function richItem(item: string, done?: boolean): RichItem {
  return { done, blocks: parseMarkdown(item) }
}
