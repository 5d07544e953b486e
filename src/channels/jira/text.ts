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
  const quoted = betweenMarks(
    coded,
    /(\{(?:quote|panel|expand)(?::[^{}\n]{0,200})?\})/,
    (inner) => `\n${trimLine(inner).replace(/^/gm, '> ')}\n`,
  )
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

/** What stands apart from what its author says in the comment itself: shown to models as a quote, where no command is read. */
const ASIDE = new Set([
  'blockquote',
  'panel',
  'expand',
  'nestedExpand',
  'table',
  'decisionList',
  'taskList',
  'bodiedExtension',
])
const LINES = new Set(['paragraph', 'heading', 'listItem', 'tableRow', 'taskItem', 'decisionItem', 'caption'])

function fromNode(node: unknown, own: string | undefined, seen: { mentioned: boolean }): string {
  if (typeof node !== 'object' || node === null || !('type' in node)) return ''
  const type = String(node.type)
  const inner =
    'content' in node && Array.isArray(node.content)
      ? node.content.map((child: unknown) => fromNode(child, own, seen)).join(type === 'tableRow' ? ' | ' : '')
      : ''
  if (ASIDE.has(type)) return `\n${inner.trim().replace(/^/gm, '> ')}\n\n`
  switch (type) {
    case 'text':
      return marked('text' in node && typeof node.text === 'string' ? node.text : '', marksOf(node))
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
      return fenced(inner)
    case 'heading':
      return `\n# ${inner}\n\n`
    case 'listItem':
      return `- ${inner.trim().replace(/\n/g, '\n  ')}\n`
    case 'tableCell':
    case 'tableHeader':
      return inner.trim().replace(/\n+/g, ' ')
    case 'bulletList':
    case 'orderedList':
      return `\n${inner}\n`
    case 'paragraph':
      return `${inner}\n\n`
    default:
      return LINES.has(type) ? `${inner}\n` : inner
  }
}

/** Code that itself holds a fence is put into a longer one, and breaks out of none. */
function fenced(code: string): string {
  const longest = Math.max(2, ...(code.match(/`+/g) ?? []).map((run) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `\n${fence}\n${code}\n${fence}\n\n`
}

/** Code and struck words stay what they are, line by line. */
function marked(text: string, marks: ReadonlySet<string>): string {
  if (text.trim() === '') return text
  if (marks.has('code')) {
    const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length))
    const tick = '`'.repeat(longest + 1)
    return longest > 0 ? `${tick} ${text} ${tick}` : `${tick}${text}${tick}`
  }
  return marks.has('strike') ? `~~${text.trim()}~~` : text
}

function marksOf(node: object): ReadonlySet<string> {
  const marks: unknown = 'marks' in node ? node.marks : undefined
  if (!Array.isArray(marks)) return new Set()
  return new Set(
    marks.map((mark: unknown) =>
      typeof mark === 'object' && mark !== null && 'type' in mark ? String(mark.type) : '',
    ),
  )
}

function attr(node: object, name: string): string {
  const attrs: unknown = 'attrs' in node ? node.attrs : undefined
  const value: unknown = typeof attrs === 'object' && attrs !== null ? Reflect.get(attrs, name) : undefined
  return typeof value === 'string' ? value : ''
}
