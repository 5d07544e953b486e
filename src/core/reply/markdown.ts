import type { BlockContent, PhrasingContent } from 'mdast'
import { gfmToMarkdown } from 'mdast-util-gfm'
import { toMarkdown } from 'mdast-util-to-markdown'
import { type Inline, issueText, type Rich, type RichDocument } from './rich.ts'

const SYNTAX = gfmToMarkdown({ tablePipeAlign: false })

/** Typed nodes as GitHub's Markdown: what `parseMarkdown` reads from it is the same document. */
export function writeMarkdown(document: RichDocument): string {
  return toMarkdown(
    { type: 'root', children: document.flatMap(block) },
    {
      extensions: [SYNTAX],
      bullet: '-',
      bulletOther: '*',
      rule: '-',
      emphasis: '*',
      fences: true,
      listItemIndent: 'one',
    },
  ).replace(/\n$/, '')
}

function block(node: Rich): BlockContent[] {
  switch (node.kind) {
    case 'heading':
      return [{ type: 'heading', depth: depthOf(node.depth), children: inlines(node.children) }]
    case 'paragraph':
      return [{ type: 'paragraph', children: inlines(node.children) }]
    case 'quote':
      return [{ type: 'blockquote', children: node.blocks.flatMap(block) }]
    case 'list':
      return [
        {
          type: 'list',
          ordered: node.ordered,
          start: node.ordered ? node.start : null,
          spread: false,
          children: node.items.map(({ done, blocks }) => ({
            type: 'listItem',
            spread: isSpread(blocks),
            checked: done ?? null,
            children: blocks.flatMap(block),
          })),
        },
      ]
    case 'table':
      return [table(node)]
    case 'code':
      return [{ type: 'code', lang: node.lang || null, value: node.text }]
    case 'diagram':
      return [{ type: 'code', lang: 'mermaid', value: node.source }]
    case 'rule':
      return [{ type: 'thematicBreak' }]
    case 'ask':
      return [
        {
          type: 'blockquote',
          children: [
            {
              type: 'paragraph',
              children: [
                raw('[!IMPORTANT]\n'),
                { type: 'strong', children: inlines(node.children.flatMap(unstressed)) },
              ],
            },
          ],
        },
      ]
    case 'details':
      return [
        raw(`<details><summary>${escapeHtml(node.summary)}</summary>`),
        ...node.blocks.flatMap(block),
        raw('</details>'),
      ]
  }
}

/** Without a blank line between them, a paragraph would go on with what stands before it, and words that are folded be HTML. */
function isSpread(blocks: readonly Rich[]): boolean {
  return (
    blocks.some(({ kind }) => kind === 'details') ||
    blocks.length > 2 ||
    (blocks.length === 2 && blocks[1]?.kind !== 'list')
  )
}

function escapeHtml(words: string): string {
  return words.replace(/\s+/g, ' ').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** Our own markup, which is not escaped. */
function raw(value: string): { type: 'html'; value: string } {
  return { type: 'html', value }
}

function unstressed(node: Inline): readonly Inline[] {
  return node.kind === 'strong' ? node.children : [node]
}

function depthOf(depth: number): 1 | 2 | 3 | 4 | 5 | 6 {
  const depths = [1, 2, 3, 4, 5, 6] as const
  return depths[Math.min(6, Math.max(1, depth)) - 1] ?? 3
}

function table({ head, rows }: Extract<Rich, { kind: 'table' }>): BlockContent {
  const row = (cells: readonly (readonly Inline[])[]) => ({
    type: 'tableRow' as const,
    // A cell has one line of source.
    children: cells.map((cell) => ({ type: 'tableCell' as const, children: inlines(cell, raw('<br>')) })),
  })
  return { type: 'table', align: [], children: [row(head), ...rows.map(row)] }
}

function inlines(nodes: readonly Inline[], lineEnd: PhrasingContent = { type: 'break' }): PhrasingContent[] {
  return nodes.map((node): PhrasingContent => {
    switch (node.kind) {
      case 'text':
        return { type: 'text', value: node.text }
      case 'code':
        return { type: 'inlineCode', value: node.text }
      case 'break':
        return lineEnd
      case 'mention':
        return { type: 'text', value: node.name }
      case 'issue':
        return raw(issueText(node))
      case 'strike':
        return { type: 'delete', children: inlines(node.children, lineEnd) }
      case 'strong':
      case 'emphasis':
        return { type: node.kind, children: inlines(node.children, lineEnd) }
      case 'link':
        return { type: 'link', url: node.url, children: inlines(node.children, lineEnd) }
    }
  })
}
