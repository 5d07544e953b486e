/** JSON from elsewhere, read so that nothing in it can stop whoever reads on. */

/** No platform nests its payloads deeper than some twenty; what recurses over a value must not run out of stack. */
const DEEPEST = 100

const [QUOTE, BACKSLASH, OPEN_LIST, OPEN, CLOSE_LIST, CLOSE] = [34, 92, 91, 123, 93, 125]

/** Whether JSON is nested deeper than is read. */
export function isTooDeep(body: Uint8Array): boolean {
  return hasManyParts(body) && nestsDeep(body)
}

/** Whether there are so many signs that open something, in texts or not, that it could be. Looked for natively: of each webhook. */
function hasManyParts(body: Uint8Array): boolean {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  let count = 0
  for (const sign of [OPEN, OPEN_LIST])
    for (let at = bytes.indexOf(sign); at >= 0; at = bytes.indexOf(sign, at + 1)) if (++count > DEEPEST) return true
  return false
}

/** One pass over its bytes. */
function nestsDeep(body: Uint8Array): boolean {
  let depth = 0
  let inText = false
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]
    if (inText) {
      if (byte === BACKSLASH) at++
      else if (byte === QUOTE) inText = false
    } else if (byte === QUOTE) inText = true
    else if (byte === OPEN || byte === OPEN_LIST) depth++
    else if (byte === CLOSE || byte === CLOSE_LIST) depth--
    if (depth > DEEPEST) return true
  }
  return false
}

/** JSON of a text; undefined where it is none, or nested too deep. What no database keeps (NUL, halves of characters) is replaced in it. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(cleaned(text))
  } catch {
    return undefined
  }
}

/** The same of bytes in UTF-8. */
export function jsonIn(body: Uint8Array): unknown {
  if (isTooDeep(body)) return undefined
  return parseJson(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'))
}

const ODD = /\\u(?:0000|d[89a-f][0-9a-f]{2})/i
const NUL = /\\u0000/g
const HIGH = /\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f][0-9a-f]{2})/gi
const LOW = /(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f][0-9a-f]{2}/gi

function cleaned(text: string): string {
  // Looked for natively first: of each webhook.
  return text.includes('\\u') && ODD.test(text)
    ? text.replace(NUL, '\\ufffd').replace(HIGH, '\\ufffd').replace(LOW, '\\ufffd')
    : text
}

/** Whether some text in a value has what no database keeps. */
export function hasOddText(value: unknown): boolean {
  const open = [value]
  for (let next = open.pop(); open.length > 0 || next !== undefined; next = open.pop()) {
    if (typeof next === 'string' && (next.includes('\0') || !next.isWellFormed())) return true
    if (typeof next === 'object' && next !== null)
      for (const [key, inner] of Object.entries(next)) open.push(key, inner)
  }
  return false
}

/** Whether a value is an object with names in it, and no list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
