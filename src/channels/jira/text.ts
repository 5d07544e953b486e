import { betweenMarks } from '../../core/text.ts'

/**
 * Jira's texts as Markdown, as far as commands and models need it: code stays code, quotes stay quotes, Muster's own mention
 * becomes `@muster`. Webhooks bring wiki markup; documents (ADF) are read too.
 * @param own Muster's own account
 */
export function markdownOf(
  words: unknown,
  own: string | undefined,
): { readonly text: string; readonly mentioned: boolean } {
  if (typeof words === 'string') return fromWiki(words, own)
  const seen = { mentioned: false }
  return { text: fromNode(words, own, seen).trim(), mentioned: seen.mentioned }
}

function fromWiki(wiki: string, own: string | undefined): { text: string; mentioned: boolean } {
  let mentioned = false
  const coded = betweenMarks(
    wiki.replace(/\r\n?/g, '\n'),
    /(\{(?:code|noformat)(?::[^{}\n]{0,100})?\})/,
    (inner) => `\n\`\`\`\n${trimLine(inner)}\n\`\`\`\n`,
  )
  const quoted = betweenMarks(coded, /(\{quote\})/, (inner) => `\n${trimLine(inner).replace(/^/gm, '> ')}\n`)
  const text = quoted
    .replace(/^bq\. /gm, '> ')
    .replace(/^h([1-6])\. /gm, (_all, depth: string) => `${'#'.repeat(Number(depth))} `)
    .replace(/^[ \t]*(#+) /gm, (all, marks: string) => (marks.length > 1 && marks.length < 7 ? all : '1. '))
    .replace(/\[~(?:accountid:)?([^[\]\n]{1,200})\]/g, (_all, id: string) => {
      const mine = own !== undefined && id === own
      mentioned ||= mine
      return mine ? '@muster' : `@${id}`
    })
    .replace(/\[([^[|\]\n]{1,300})\|(https?:[^[|\]\s]{1,2000})(?:\|[^[\]\n]{0,100})?\]/g, '[$1]($2)')
    .replace(/\{\{([^{}\n]{1,300})\}\}/g, '`$1`')
  return { text: text.trim(), mentioned }
}

function trimLine(inner: string): string {
  return inner.replace(/^\n/, '').replace(/\n$/, '')
}

const BLOCKS = new Set(['paragraph', 'heading', 'listItem', 'blockquote', 'codeBlock', 'tableRow', 'panel', 'expand'])

function fromNode(node: unknown, own: string | undefined, seen: { mentioned: boolean }): string {
  if (typeof node !== 'object' || node === null || !('type' in node)) return ''
  const inner =
    'content' in node && Array.isArray(node.content)
      ? node.content.map((child: unknown) => fromNode(child, own, seen)).join('')
      : ''
  switch (node.type) {
    case 'text':
      return 'text' in node && typeof node.text === 'string' ? node.text : ''
    case 'hardBreak':
      return '\n'
    case 'mention': {
      const id = attr(node, 'id')
      if (own !== undefined && id === own) {
        seen.mentioned = true
        return '@muster'
      }
      return `@${id}`
    }
    case 'inlineCard':
      return attr(node, 'url')
    case 'codeBlock':
      return `\n\`\`\`\n${inner}\n\`\`\`\n`
    case 'blockquote':
      return `\n${inner.trim().replace(/^/gm, '> ')}\n`
    default:
      return BLOCKS.has(String(node.type)) ? `${inner}\n` : inner
  }
}

function attr(node: object, name: string): string {
  const attrs: unknown = 'attrs' in node ? node.attrs : undefined
  const value: unknown = typeof attrs === 'object' && attrs !== null ? Reflect.get(attrs, name) : undefined
  return typeof value === 'string' ? value : ''
}
