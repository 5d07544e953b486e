import type { Block, Document } from '../../core/reply/document.ts'

/** GitHub takes 65,536 characters; some are left for the marker. */
const MAX_BODY = 65_000

/** The length of a document's text, before anything is cut. */
export function lengthOf(document: Document): number {
  return document.reduce((sum, block) => sum + renderBlock(block).length + 2, 0)
}

/** A document as GitHub's Markdown, with the marker out of sight at its top (where no cut reaches it). */
export function renderMarkdown(document: Document, marker?: string): string {
  const text = document.map(renderBlock).filter(Boolean).join('\n\n')
  const cut =
    text.length > MAX_BODY ? `${text.slice(0, MAX_BODY - 200)}\n\n… (cut: the rest does not fit into a comment)` : text
  return marker ? `<!-- ${marker} -->\n${cut}` : cut
}

/** The marker in a body that GitHub gave back, if there is one. */
export function markerIn(body: string | null | undefined): string | undefined {
  return /^<!-- (muster:[\w.:-]+) -->/.exec(body ?? '')?.[1]
}

function renderBlock(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `### ${block.text}`
    case 'paragraph':
      return block.text
    case 'ask':
      return `> [!IMPORTANT]\n> **${block.text.replaceAll('**', '').replace(/\n+/g, '\n> ')}**`
    case 'list':
      return block.items
        .map((item, index) => `${block.ordered ? `${index + 1}.` : '-'} ${item.replace(/\n/g, '\n  ')}`)
        .join('\n')
    case 'checklist':
      return block.items.map((item) => `- [${item.done ? 'x' : ' '}] ${item.text}`).join('\n')
    case 'table':
      return renderTable(block.head, block.rows)
    case 'code':
      return fenced(block.text, block.lang)
    case 'diagram':
      return fenced(block.source, 'mermaid')
    case 'details':
      return `<details><summary>${block.summary.replace(/[<>]/g, '')}</summary>\n\n${block.blocks.map(renderBlock).filter(Boolean).join('\n\n')}\n\n</details>`
  }
}

function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cell = (text: string) => text.replace(/\|/g, '\\|').replace(/\s*\n\s*/g, '<br>')
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** A fence that nothing in the text can close. */
function fenced(text: string, lang: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((run) => run[0].length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${lang}\n${text.replace(/\n+$/, '')}\n${fence}`
}
