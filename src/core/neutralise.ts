/**
 * Model text made harmless before it is posted where it is read by people, GitHub's own robots and other bots:
 * nobody is pinged, no command is given, no issue closed, nothing is fetched from elsewhere (security.md, rule 7).
 */

const ZERO_WIDTH = '\u200b'

/** What may be linked without a look: the repository's own host. */
export interface LinkPolicy {
  /** Hosts whose links stay; all others become plain text. */
  readonly hosts: readonly string[]
}

/** Model text for a Markdown surface. Code spans and blocks keep their text, since nothing acts there. */
export function neutralise(text: string, links: LinkPolicy = { hosts: [] }): string {
  return text
    .replace(/<!--[\s\S]*?(?:-->|$)/g, '')
    .split(/(```[\s\S]*?(?:```|$)|`[^`\n]*`)/)
    .map((part, index) => (index % 2 === 1 ? part : neutraliseProse(part, links)))
    .join('')
}

function neutraliseProse(text: string, links: LinkPolicy): string {
  return withoutImages(text, links)
    .replace(/(^|[^\w`])@(?=[A-Za-z0-9])/g, `$1@${ZERO_WIDTH}`)
    .replace(/^([ \t>*+-]*)\/(?=[a-z])/gim, `$1/${ZERO_WIDTH}`)
    .replace(
      /\b(close[sd]?|fix(?:e[sd])?|resolve[sd]?)(:?\s+)(?=(?:[\w.-]+\/[\w.-]+)?#\d|https?:)/gi,
      `$1${ZERO_WIDTH}$2`,
    )
}

function withoutImages(text: string, links: LinkPolicy): string {
  return text
    .replace(
      /!\[([^\]]*)\]\s*(?:\([^)]*\)|\[[^\]]*\])/g,
      (_all, alt: string) => `[image removed${alt ? `: ${alt}` : ''}]`,
    )
    .replace(/^ {0,3}\[[^\]\n]+\]:[ \t]*\S+.*$/gm, '')
    .replace(
      /<(?:img|script|iframe|object|embed|video|audio|source|link|meta|svg|style|form|input|picture|a)\b[^>]*>/gi,
      '',
    )
    .replace(/\[([^\]\n]*)\]\(\s*<?([^)\s>]*)>?[^)]*\)/g, (all, label: string, url: string) =>
      allowed(url, links) ? all : label,
    )
    .replace(/<?\bhttps?:\/\/[^\s<>)\]]+>?/gi, (url) =>
      allowed(url.replace(/^<|>$/g, ''), links) ? url : `\`${url.replace(/[`<>]/g, '')}\``,
    )
}

function allowed(url: string, links: LinkPolicy): boolean {
  if (/^[#/.\w-]/.test(url) && !/^[a-z][\w+.-]*:/i.test(url) && !url.startsWith('//')) return true
  if (!URL.canParse(url)) return false
  const parsed = new URL(url)
  return (
    /^https?:$/.test(parsed.protocol) &&
    links.hosts.includes(parsed.host) &&
    parsed.search === '' &&
    parsed.username === ''
  )
}

/** A short text on one line, for titles, table cells and diagram labels. */
export function oneLine(text: string, max = 120): string {
  const flat = neutralise(text).replace(/\s+/g, ' ').trim()
  return flat.length > max ? `${flat.slice(0, max - 1)}…` : flat
}
