/**
 * Foreign words (a model's, a person's, a program's) made harmless right before they are written where people, platforms and
 * other bots read them: nobody is pinged, no command is given, no issue closed, no CI skipped, nothing linked or fetched
 * (docs/security.md, boundary 4). Works on one piece of plain text, after any markup has been read; what it changes cannot be seen.
 * Doing it twice is doing it once. Every expression here is linear in the text: `test/security/patterns.slow.test.ts`.
 */

const GAP = '\u200b'

// What shows nothing and only misleads: controls, bidi marks and overrides, fillers, tags. Joiners and variation selectors
// stay, since scripts and emoji are written with them.
const TRICKS =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu

// GitHub's closing keywords (docs.github.com, "Linking a pull request to an issue"), where a reference may follow: in this
// text, or in whatever comes after it.
const CLOSING =
  /(?<![\p{L}\p{N}])(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)(?:(?![\p{L}\p{N}])|(?=GH-\d|https?:|www\.|[\w.-]{1,40}\/[\w.-]{1,100}#\d))/giu
/** What may follow a keyword, after anything that is no letter and no digit. */
const REFERENCE = /(?:(?<=#)\d|[\w.-]{1,100}\/[\w.-]{1,100}#\d|gh-\d|https?:|www\.)/iy
const LETTER = /[\p{L}\p{N}]/gu

// Words in brackets by which CI is told to skip a commit (docs.github.com, "Skipping workflow runs"; others alike).
const SKIP = /\[(?=(?:skip|ci|no|actions)[\s_-]+(?:ci|skip|actions)\])|(?=skip-checks:)/gi

/** Without what cannot be seen, and without halves of characters. */
export function seen(text: string): string {
  return text
    .toWellFormed()
    .replace(/\r\n?|[\u0085\u2028\u2029]/g, '\n')
    .replace(TRICKS, '')
}

/** Foreign words as prose, of one line or more. */
export function harmless(text: string): string {
  return quiet(seen(text))
    .replace(/@(?!\s)/g, `@${GAP}`)
    .replace(/^((?:[^\p{L}\p{N}/\n\r\u2028\u2029]|\d{1,9}[.)])*)\/(?=[a-z]|$)/gimu, `$1/${GAP}`)
    .replace(/:\/\//g, `:/${GAP}/`)
    .replace(/(mailto|xmpp):/gi, `$1${GAP}:`)
    .replace(/www\./gi, (www) => `${www.slice(0, -1)}${GAP}.`)
}

/** Foreign words as code within a line. */
export function harmlessSpan(text: string): string {
  return quiet(seen(text))
}

/** Foreign words as a block of code, where platforms look for neither mentions nor addresses, but bots look for command lines. */
export function harmlessCode(text: string): string {
  return quiet(seen(text))
    .replace(/^((?:[^\p{L}\p{N}/\n\r\u2028\u2029]|\d{1,9}[.)])*\/)(?=[a-z][\w-]*(?:\s|$))/gimu, `$1${GAP}`)
    .replace(/^((?:[^\p{L}\p{N}@\n\r\u2028\u2029]|\d{1,9}[.)])*@)(?=[\w-]+(?:\[bot\])?[ \t]+\w)/gmu, `$1${GAP}`)
}

/** What counts even in code, since texts are copied into commit messages. */
function quiet(text: string): string {
  return text
    .replace(CLOSING, (word, at: number) => (isReferred(text, at + word.length) ? gapped(word) : word))
    .replace(SKIP, (bracket) => `${bracket}${GAP}`)
}

function isReferred(text: string, from: number): boolean {
  LETTER.lastIndex = from
  const next = LETTER.exec(text)?.index
  if (next === undefined) return true
  REFERENCE.lastIndex = next
  return REFERENCE.test(text)
}

function gapped(word: string): string {
  return `${word.slice(0, -1)}${GAP}${word.slice(-1)}`
}

/** Foreign words as a title or another text of one line without markup, cut to `max` characters. */
export function harmlessLine(text: string, max: number): string {
  return harmless(cutLine(text, max))
}

/** A text on one line, cut to `max` characters, never within one. */
export function cutLine(text: string, max: number): string {
  return cutText(seen(text).replace(/\s+/g, ' ').trim(), max)
}

/** The same of any text: what is left out shows as `…`. */
export function cutText(text: string, max: number): string {
  if (text.length <= max) return text
  return `${text
    .slice(0, max - 1)
    .toWellFormed()
    .replace(/\ufffd$/, '')}…`
}
