import type { Block, Document } from './document.ts'
import { issueText } from './rich.ts'
import type { Piece, Words } from './words.ts'

/** The words of a document alone, as they were written. */
export function plainDocument(document: Document): string {
  return document.map(plainBlock).filter(Boolean).join('\n\n')
}

function plainBlock(block: Block): string {
  switch (block.kind) {
    case 'heading':
    case 'paragraph':
    case 'ask':
      return plainWords(block.text)
    case 'list':
      return block.items.map((item) => `- ${plainWords(item)}`).join('\n')
    case 'checklist':
      return block.items.map(({ done, text }) => `[${done ? 'x' : ' '}] ${plainWords(text)}`).join('\n')
    case 'table':
      return [block.head, ...block.rows].map((row) => row.map(plainWords).join(' | ')).join('\n')
    case 'code':
      return block.text
    case 'diagram':
      return ''
    case 'details':
      return `${block.summary}\n${plainDocument(block.blocks)}`
  }
}

function plainWords(words: Words): string {
  if (typeof words === 'string') return words
  if (!('own' in words)) return plainPiece(words)
  return words.own.map((part, index) => `${index > 0 ? plainPiece(words.put[index - 1]) : ''}${part}`).join('')
}

function plainPiece(piece: Piece | undefined): string {
  if (piece === undefined) return ''
  if (piece.kind === 'issue') return issueText(piece)
  return piece.kind === 'link' ? `${piece.label} (${piece.url})` : piece.text
}
