/**
 * Model text made harmless before it is posted where it is read by people, GitHub's own robots and other bots: nobody is
 * pinged, no command is given, no issue closed, nothing is fetched from elsewhere (security.md, rule 7). What looks like
 * inline code is treated like prose, since renderers disagree about what is code; invisible marks do not show in it.
 */

const ZERO_WIDTH = '\u200b'

/** What may be linked without a look: the repository's own host. */
export interface LinkPolicy {
  /** Hosts whose links stay; all others become plain text. */
  readonly hosts: readonly string[]
}

/** A fence that stands on lines of its own, closed: the one place whose text is left as it is. */
const FENCE = /^(`{3,}|~{3,})[^`\n]*\n(?:[\s\S]*?\n)?\1[`~]*[ \t]*$/gm

/** Model text for a Markdown surface. */
export function neutralise(text: string, links: LinkPolicy = { hosts: [] }): string {
  const clean = text.replace(/<!--[\s\S]*?(?:-->|$)/g, '')
  const parts: string[] = []
  let at = 0
  for (const fence of clean.matchAll(FENCE)) {
    parts.push(neutraliseProse(clean.slice(at, fence.index), links), fence[0])
    at = fence.index + fence[0].length
  }
  if (parts.length === 0) return neutraliseProse(clean, links)
  // Blank lines around a fence end whatever stands before it, so that it surely is one where it is read.
  return [...parts, neutraliseProse(clean.slice(at), links)]
    .map((part) => part.replace(/^\n+|\n+$/g, ''))
    .filter(Boolean)
    .join('\n\n')
}

function neutraliseProse(text: string, links: LinkPolicy): string {
  return withoutImages(text, links)
    .replace(/@(?=[A-Za-z0-9])/g, `@${ZERO_WIDTH}`)
    .replace(/^([ \t>*+-]*)\/(?=[a-z])/gim, `$1/${ZERO_WIDTH}`)
    .replace(
      /\b(close[sd]?|fix(?:e[sd])?|resolve[sd]?)(:?\s+)(?=(?:[\w.-]+\/[\w.-]+)?#\d|https?:)/gi,
      `$1${ZERO_WIDTH}$2`,
    )
    .replace(/<(?=[a-z/!?])/gi, `<${ZERO_WIDTH}`)
}

function withoutImages(text: string, links: LinkPolicy): string {
  return text
    .replace(
      /!\[([^\]]*)\]\s*(?:\([^)]*\)|\[[^\]]*\])/g,
      (_all, alt: string) => `[image removed${alt ? `: ${alt}` : ''}]`,
    )
    .replaceAll('![', `!${ZERO_WIDTH}[`)
    .replace(/^ {0,3}\[[^\]\n]+\]:[ \t]*\S+.*$/gm, '')
    .replace(/\[([^\]\n]*)\]\(\s*<?([^)\s>]*)>?[^)]*\)/g, (all, label: string, url: string) =>
      allowed(url, links) ? all : label,
    )
    .replace(/\b(https?:\/)(\/[^\s<>)\]`]+)/gi, (url, start: string, rest: string) =>
      allowed(url, links) ? url : `${start}${ZERO_WIDTH}${rest}`,
    )
    .replace(/\bwww\./gi, `www${ZERO_WIDTH}.`)
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

/** A short text on one line, for titles, table cells and diagram labels: cut first, so that no cut undoes anything. */
export function oneLine(text: string, max = 120): string {
  const flat = text.replace(/\s+/g, ' ').trim()
  return neutralise(flat.length > max ? `${flat.slice(0, max - 1).toWellFormed()}…` : flat)
}
