/** Documents as Jira's editor takes them (https://developer.atlassian.com/cloud/jira/platform/apis/document/structure), and as people see them. */

import { escape } from '../../src/core/markup.ts'

interface Node {
  readonly type: string
  readonly text?: string
  readonly attrs?: Readonly<Record<string, unknown>>
  readonly marks?: readonly Node[]
  readonly content?: readonly Node[]
}

const KNOWN = new Set(
  'doc paragraph heading text hardBreak bulletList orderedList listItem blockquote codeBlock rule table tableRow tableHeader tableCell panel expand nestedExpand mention inlineCard emoji'.split(
    ' ',
  ),
)

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** What is wrong with a document, as far as a stand-in can tell; the tests check against the schema. */
export function adfProblem(value: unknown): string | undefined {
  if (!isNode(value) || value.type !== 'doc' || Reflect.get(value, 'version') !== 1)
    return 'not a document of version 1'
  return problemIn(value)
}

function problemIn(node: Node): string | undefined {
  if (!KNOWN.has(node.type)) return `unknown node ${node.type}`
  if (node.type === 'text' && (typeof node.text !== 'string' || node.text === '')) return 'empty text'
  for (const child of node.content ?? []) {
    const problem = isNode(child) ? problemIn(child) : 'not a node'
    if (problem) return problem
  }
  return undefined
}

const TAGS: Readonly<Record<string, string>> = {
  paragraph: 'p',
  bulletList: 'ul',
  orderedList: 'ol',
  listItem: 'li',
  blockquote: 'blockquote',
  table: 'table',
  tableRow: 'tr',
  tableHeader: 'th',
  tableCell: 'td',
}

/** As people see it. */
export function adfHtml(value: unknown): string {
  return isNode(value) ? html(value) : ''
}

function html(node: Node): string {
  const inner = (node.content ?? []).map(html).join('')
  const tag = TAGS[node.type]
  if (tag) return `<${tag}>${inner}</${tag}>`
  switch (node.type) {
    case 'text':
      return (node.marks ?? []).reduce(marked, escape(node.text ?? ''))
    case 'hardBreak':
      return '<br>'
    case 'rule':
      return '<hr>'
    case 'heading':
      return `<h4>${inner}</h4>`
    case 'codeBlock':
      return `<pre>${inner}</pre>`
    case 'panel':
      return `<div class="panel ${escape(node.attrs?.['panelType'])}">${inner}</div>`
    case 'expand':
    case 'nestedExpand':
      return `<details><summary>${escape(node.attrs?.['title'] ?? '')}</summary>${inner}</details>`
    case 'mention':
      return `<span class="mention">${escape(node.attrs?.['text'])}</span>`
    case 'inlineCard':
      return `<a href="${escape(node.attrs?.['url'])}">${escape(node.attrs?.['url'])}</a>`
    default:
      return inner
  }
}

function marked(inner: string, mark: Node): string {
  switch (mark.type) {
    case 'strong':
      return `<strong>${inner}</strong>`
    case 'em':
      return `<em>${inner}</em>`
    case 'strike':
      return `<s>${inner}</s>`
    case 'code':
      return `<code>${inner}</code>`
    case 'link':
      return `<a href="${escape(mark.attrs?.['href'])}">${inner}</a>`
    default:
      return inner
  }
}

/** The words of a document, a line each block. */
export function plainOf(value: unknown): string {
  if (!isNode(value)) return ''
  if (value.type === 'text') return value.text ?? ''
  const label = value.attrs?.['text']
  if (value.type === 'mention') return typeof label === 'string' ? label : ''
  const inner = (value.content ?? []).map(plainOf)
  if (value.type === 'tableRow') return inner.join('  ')
  const isLine = value.type === 'paragraph' || value.type === 'heading' || value.type === 'codeBlock'
  return isLine ? inner.join('') : inner.filter(Boolean).join('\n')
}
