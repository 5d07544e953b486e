/** What stands where a secret stood. */
export const REDACTED = '[redacted]'

// Token shapes of the vendors Muster talks to. GitHub tokens are opaque and may contain - _ . (limits.md).
const SHAPES = [
  /\bgh[spour]_[A-Za-z0-9_.-]{16,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g,
  /\bsk-[A-Za-z0-9_-]{16,}/g,
  /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g,
  /\bxapp-[A-Za-z0-9-]{10,}/g,
  /\bAKIA[0-9A-Z]{16}\b/g,
  /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
]

/** Shorter values are no secrets: they would be found everywhere. */
const SHORTEST = 8
/** Any so many characters of a secret give it away. */
const WINDOW = 16
/** Longer texts are not known by all their parts. */
const LONGEST = 4096

/**
 * A function that removes known secrets from a text: whole or in part (any window of 16 characters of a secret), reversed, in
 * base64, in hexadecimal or in an address, and everything that has the shape of a vendor's token. Linear in the text.
 * @param secrets the values known to this process; shorter ones than 8 characters are ignored
 */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const forms = [...new Set(secrets.filter((secret) => secret.length >= SHORTEST).flatMap(formsOf))]
  const windows = new Set(forms.filter((form) => form.length >= WINDOW && form.length <= LONGEST).flatMap(windowsOf))
  const whole = forms.filter((form) => form.length < WINDOW || form.length > LONGEST)
  return (text) => {
    let out = text
    for (const shape of SHAPES) out = out.replace(shape, REDACTED)
    for (const form of whole) if (out.includes(form)) out = out.replaceAll(form, REDACTED)
    return windows.size > 0 ? withoutWindows(out, windows) : out
  }
}

/** Every stretch of a text that consists of parts of secrets becomes one mark. */
function withoutWindows(text: string, windows: ReadonlySet<string>): string {
  let out = ''
  let kept = 0
  for (let at = 0; at + WINDOW <= text.length; at++) {
    if (!windows.has(text.slice(at, at + WINDOW))) continue
    let end = at + WINDOW
    while (end < text.length && windows.has(text.slice(end - WINDOW + 1, end + 1))) end++
    out += `${text.slice(kept, at)}${REDACTED}`
    kept = end
    at = end - 1
  }
  return out + text.slice(kept)
}

function windowsOf(form: string): string[] {
  return Array.from({ length: form.length - WINDOW + 1 }, (_, start) => form.slice(start, start + WINDOW))
}

function formsOf(secret: string): string[] {
  const reversed = secret.split('').toReversed().join('')
  const bytes = Buffer.from(secret)
  const encoded = [0, 1, 2].flatMap((shift) => [
    base64Core(secret, shift, 'base64'),
    base64Core(secret, shift, 'base64url'),
  ])
  const hex = bytes.toString('hex')
  return [secret, reversed, ...encoded, hex, hex.toUpperCase(), encodeURIComponent(secret)].filter(
    (form) => form.length >= SHORTEST,
  )
}

/** The part of a base64 text that is the same whatever stands before and after the secret. */
function base64Core(secret: string, shift: number, alphabet: 'base64' | 'base64url'): string {
  const encoded = withoutEnd(Buffer.from('\0'.repeat(shift) + secret).toString(alphabet), '=')
  return encoded.slice(shift === 0 ? 0 : shift + 1, -1)
}
import { withoutEnd } from './text.ts'
