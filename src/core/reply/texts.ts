import type { Inline, Rich, RichDocument } from './rich.ts'

/** The same document with every text and address changed: what is secret is taken out before a channel renders it. */
export function withTexts(document: RichDocument, change: (text: string) => string): RichDocument {
  return document.map((block) => changed(block, change))
}

function changed(block: Rich, change: (text: string) => string): Rich {
  const words = (children: readonly Inline[]) => children.map((child) => inline(child, change))
  switch (block.kind) {
    case 'paragraph':
    case 'heading':
    case 'ask':
      return { ...block, children: words(block.children) }
    case 'quote':
      return { ...block, blocks: withTexts(block.blocks, change) }
    case 'details':
      return { ...block, summary: change(block.summary), blocks: withTexts(block.blocks, change) }
    case 'list':
      return { ...block, items: block.items.map((item) => ({ ...item, blocks: withTexts(item.blocks, change) })) }
    case 'table':
      return { ...block, head: block.head.map(words), rows: block.rows.map((row) => row.map(words)) }
    case 'code':
      return { ...block, text: change(block.text) }
    case 'diagram':
      return { ...block, source: change(block.source) }
    case 'rule':
      return block
  }
}

function inline(node: Inline, change: (text: string) => string): Inline {
  switch (node.kind) {
    case 'text':
    case 'code':
      return { ...node, text: change(node.text) }
    case 'break':
    case 'mention':
    case 'issue':
      return node
    case 'link':
      return { ...node, url: change(node.url), children: node.children.map((child) => inline(child, change)) }
    default:
      return { ...node, children: node.children.map((child) => inline(child, change)) }
  }
}
