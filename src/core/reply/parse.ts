import type { PhrasingContent, RootContent, Table } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFromMarkdown } from 'mdast-util-gfm'
import { gfm } from 'micromark-extension-gfm'
import { type Inline, plainText, type Rich, type RichDocument, text, tidy } from './rich.ts'

const SYNTAX = { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] }
/** Words without any character that could mean something in Markdown, which most texts are. */
const PLAIN = /^[A-Za-z](?:[A-Za-z0-9 ,;()%$'"+…·—–-]|[.!?:](?= |$))*$/
/** What was read last: a status card is written again and again with nearly the same texts. */
const known = new Map<string, RichDocument>()
const KNOWN = { entries: 1000, length: 1000 } as const

/** GitHub's Markdown as typed nodes. HTML stays what it is: text. Images become links, since they would be fetched. */
export function parseMarkdown(source: string): RichDocument {
  if (PLAIN.test(source)) return paragraph([text(source)])
  if (source.length > KNOWN.length) return read(source)
  const found = known.get(source) ?? read(source)
  // The newest stand last; the oldest make room.
  known.delete(source)
  known.set(source, found)
  if (known.size > KNOWN.entries) known.delete(known.keys().next().value ?? '')
  return found
}

function read(source: string): RichDocument {
  const root = fromMarkdown(source, SYNTAX)
  const links = new Map<string, string>()
  collect(root.children, links)
  return new Reader(links).blocks(root.children)
}

/** The same for a text that stands on one line, such as a cell: what would begin a block ("1. x", "# x") is words here. */
export function parseInline(source: string): readonly Inline[] {
  const line = source.replace(/\s*\n\s*/g, ' ').trim()
  if (line === '') return []
  const [first] = parseMarkdown(`x ${line}`)
  if (first?.kind !== 'paragraph') return [text(line)]
  const [lead, ...rest] = first.children
  return tidy(lead?.kind === 'text' ? [text(lead.text.slice(2)), ...rest] : first.children)
}

/** Where the references of a text lead. */
function collect(nodes: readonly RootContent[], links: Map<string, string>): void {
  for (const node of nodes) {
    if (node.type === 'definition' && !links.has(node.identifier)) links.set(node.identifier, node.url)
    else if ('children' in node) collect(node.children, links)
  }
}

/** Whether a link may lead there: no scripts, no data, nothing that a program on the reader's machine would open. */
export function isSafeUrl(url: string): boolean {
  // Browsers drop control characters and spaces before they look for a scheme.
  // oxlint-disable-next-line no-control-regex
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url.replace(/[\u0000-\u0020\u007f-\u00a0\u200b-\u200f]/g, ''))?.[1]
  return scheme === undefined || /^(https?|mailto)$/i.test(scheme)
}

class Reader {
  readonly #links: ReadonlyMap<string, string>

  constructor(links: ReadonlyMap<string, string>) {
    this.#links = links
  }

  blocks(nodes: readonly RootContent[]): Rich[] {
    return nodes.flatMap((node) => this.#block(node))
  }

  #block(node: RootContent): Rich[] {
    switch (node.type) {
      case 'paragraph':
        return paragraph(this.#inlines(node.children))
      case 'heading':
        return [{ kind: 'heading', depth: node.depth, children: tidy(this.#inlines(node.children)) }]
      case 'blockquote':
        return [{ kind: 'quote', blocks: this.blocks(node.children) }]
      case 'list':
        return [
          {
            kind: 'list',
            ordered: node.ordered ?? false,
            start: node.start ?? 1,
            items: node.children.map((item) => ({
              done: item.checked ?? undefined,
              blocks: this.blocks(item.children),
            })),
          },
        ]
      case 'code':
        return [{ kind: 'code', lang: (node.lang ?? '').replace(/[\s`]/g, ''), text: node.value }]
      case 'thematicBreak':
        return [{ kind: 'rule' }]
      case 'table':
        return [this.#table(node)]
      case 'html':
        return paragraph([text(node.value)])
      case 'footnoteDefinition':
        return [...paragraph([text(`[${node.identifier}]`)]), ...this.blocks(node.children)]
      case 'definition':
      case 'yaml':
        return []
      // Parts of what stands above, which are never met by themselves; words that stand in no paragraph.
      case 'listItem':
      case 'tableRow':
      case 'tableCell':
        return []
      default:
        return paragraph(this.#inlines([node]))
    }
  }

  #table(node: Table): Rich {
    const [head, ...rows] = node.children.map((row) => row.children.map((cell) => tidy(this.#inlines(cell.children))))
    const width = head?.length ?? 0
    const padded = rows.map((row) => Array.from({ length: width }, (_, column) => row[column] ?? []))
    return { kind: 'table', head: head ?? [], rows: padded }
  }

  #inlines(nodes: readonly PhrasingContent[]): Inline[] {
    return nodes.flatMap((node) => this.#inline(node))
  }

  #inline(node: PhrasingContent): Inline[] {
    switch (node.type) {
      case 'text':
      case 'html':
        return [text(node.value)]
      case 'strong':
      case 'emphasis':
        return [{ kind: node.type, children: this.#inlines(node.children) }]
      case 'delete':
        return [{ kind: 'strike', children: this.#inlines(node.children) }]
      case 'inlineCode':
        return [{ kind: 'code', text: node.value }]
      case 'break':
        return [{ kind: 'break' }]
      case 'link':
        return link(node.url, this.#inlines(node.children))
      case 'linkReference':
        return link(this.#links.get(node.identifier) ?? '', this.#inlines(node.children))
      case 'image':
        return link(node.url, [text(`image: ${node.alt || node.url}`)])
      case 'imageReference':
        return link(this.#links.get(node.identifier) ?? '', [text(`image: ${node.alt || node.identifier}`)])
      case 'footnoteReference':
        return [text(`[${node.identifier}]`)]
    }
  }
}

function link(url: string, children: readonly Inline[]): Inline[] {
  const words = plainText(children).trim() === '' ? [text(url)] : children
  if (!isSafeUrl(url)) return [...words, text(' (link removed)')]
  // A backslash would escape what follows it where the link is written as Markdown; browsers read both alike.
  return url === '' ? [...words] : [{ kind: 'link', url: url.replaceAll('\\', '%5C'), children: words }]
}

function paragraph(children: readonly Inline[]): Rich[] {
  const tidied = tidy(children)
  return tidied.length === 0 ? [] : [{ kind: 'paragraph', children: tidied }]
}
