import type { Nodes } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFromMarkdown } from 'mdast-util-gfm'
import { gfm } from 'micromark-extension-gfm'

/** What GitHub would make of a text: parsed by another parser than Muster's own, with everything that GitHub links by itself. */

const REFERENCE = String.raw`(?:(?:[\w.-]+\/[\w.-]+)?#\d|gh-\d|https?:\/\/)`
/** docs.github.com, "Linking a pull request to an issue"; looser than GitHub is said to be. */
const CLOSES = new RegExp(
  String.raw`(?<![a-z\d])(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)[\s:*_~"'()\[\]>.,-]*(?:issue\s*)?${REFERENCE}`,
  'giu',
)
const MENTION = /(?:^|[^\w/`\\])@[a-z\d](?:[a-z\d-]*)(?:\/[\w.-]+)?/giu
const ADDRESS = /\bhttps?:\/\/|www\.\w|\bftp:\/\/|[\w.+-]+@[\w-]+\.\w/giu
/** Bots read lines of the source, wherever they stand. */
const COMMAND =
  /^[ \t]*(?:[>*+-]+[ \t]*|\d+[.)][ \t]*)*(?:\/[a-z][\w-]*(?:[ \t]|$)|@[a-z][\w-]*(?:\[bot\])?[ \t]+\w)/gimu
const SKIPS = /\[(?:skip|no)[ -]ci\]|\[ci[ -]skip\]|\[(?:skip actions|actions skip)\]|^skip-checks:/gim
const OWN_HTML =
  /^(?:<!-- muster:[\w.:-]+ -->|<details><summary>[^<>]*<\/summary>|<\/details>|<br>|\[!IMPORTANT\]\n|(?:Closes )?#\d+)$/

export interface Allowed {
  /** Addresses that Muster itself links. */
  readonly urls?: readonly string[]
  /** Issues that Muster itself closes, as it writes them. */
  readonly closes?: readonly string[]
}

/** Everything alive in a comment, a review or the body of a pull request. @param isCopied also as the message of a squashed commit */
export function liveInMarkdown(source: string, allowed: Allowed = {}, isCopied = false): string[] {
  const root = fromMarkdown(source, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] })
  const found: string[] = []
  const own = allowed.urls ?? []
  visit(root, (node) => {
    if (node.type === 'image' || node.type === 'imageReference') found.push(`image: ${JSON.stringify(node)}`)
    if (node.type === 'link' && !own.includes(node.url)) found.push(`link: ${node.url}`)
    if (node.type === 'definition') found.push(`definition: ${node.url}`)
    if (node.type === 'html' && !OWN_HTML.test(node.value)) found.push(`html: ${node.value}`)
    if (
      node.type === 'code' &&
      /^(?:mermaid|math|geojson|topojson|stl)$/i.test(node.lang ?? '') &&
      !/^(?:flowchart|xychart)/.test(node.value)
    )
      found.push(`drawn: ${node.value}`)
  })
  const prose = textOf(root, false)
  found.push(...hits(MENTION, prose), ...hits(CLOSES, without(textOf(root, true), allowed.closes)))
  found.push(...commandsIn(source))
  if (isCopied) found.push(...liveInText(source.replace(/^<!--.*-->$/m, ''), allowed))
  return found
}

/** Everything alive where nothing is markup: titles, commit messages, annotations. */
export function liveInText(source: string, allowed: Allowed = {}): string[] {
  let text = without(source, allowed.closes)
  for (const url of allowed.urls ?? []) text = text.replaceAll(url, '')
  return [
    ...hits(MENTION, text),
    ...hits(CLOSES, text),
    ...hits(ADDRESS, text),
    ...hits(SKIPS, text),
    ...commandsIn(source),
  ]
}

/** Muster's own words begin no line with a command either, but in code: `@muster approve` in backticks. */
function commandsIn(source: string): string[] {
  return hits(COMMAND, source)
}

function without(text: string, own: readonly string[] = []): string {
  return own.reduce((rest, one) => rest.replace(one, ''), text)
}

function hits(what: RegExp, text: string): string[] {
  return text.match(what) ?? []
}

function visit(node: Nodes, see: (node: Nodes) => void): void {
  see(node)
  if ('children' in node) for (const child of node.children) visit(child, see)
}

/** The words that people see, with a space where something else begins. */
function textOf(node: Nodes, withCode: boolean): string {
  if (node.type === 'text') return node.value
  if (node.type === 'html') return node.value.replace(/^<[^>]*>|<\/[^>]*>$/g, ' ')
  if (node.type === 'inlineCode' || node.type === 'code') return withCode ? node.value : ' '
  if (!('children' in node)) return '\n'
  const isLine = ['emphasis', 'strong', 'delete', 'link', 'linkReference'].includes(node.type)
  const words = node.children.map((child) => textOf(child, withCode)).join('')
  return isLine ? words : `${words}\n`
}
