/** What stands where a secret stood. */
export const REDACTED = '[redacted]'

// Token shapes of the vendors Muster talks to. GitHub tokens are opaque and may contain - _ . (limits.md).
const SHAPES = [
  /\b(?:ghs|ghp|gho|ghu|ghr)_[A-Za-z0-9_.-]{16,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g,
  /\bsk-(?:ant-)?[A-Za-z0-9_-]{16,}/g,
  /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g,
  /\bxapp-[A-Za-z0-9-]{10,}/g,
  /\bAKIA[0-9A-Z]{16}\b/g,
  /\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
]

const WINDOW = 8

/**
 * A function that removes known secrets from a text: whole or in part (any window of 16 characters of a secret),
 * base64-encoded or reversed, and everything that has the shape of a vendor's token.
 * @param secrets the values known to this process; shorter ones than 8 characters are ignored
 */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const needles = [...new Set(secrets.filter((secret) => secret.length >= WINDOW).flatMap(variants))].sort(
    (a, b) => b.length - a.length,
  )
  return (text) => {
    let out = text
    for (const shape of SHAPES) out = out.replace(shape, REDACTED)
    for (const needle of needles) if (out.includes(needle)) out = out.replaceAll(needle, REDACTED)
    return out
  }
}

function variants(secret: string): string[] {
  const plain = [secret, secret.split('').toReversed().join('')]
  const encoded = [0, 1, 2].map((shift) => base64Core(secret, shift))
  return [...plain, ...plain.flatMap((text) => windows(text, 16)), ...encoded, encodeURIComponent(secret)].filter(
    (text) => text.length >= WINDOW,
  )
}

/** The part of a base64 text that is the same whatever stands before and after the secret. */
function base64Core(secret: string, shift: number): string {
  const encoded = Buffer.from('\0'.repeat(shift) + secret)
    .toString('base64')
    .replace(/=+$/, '')
  return encoded.slice(shift === 0 ? 0 : shift + 1, -1)
}

function windows(text: string, size: number): string[] {
  if (text.length <= size || text.length > 4096) return []
  return Array.from({ length: text.length - size + 1 }, (_, start) => text.slice(start, start + size))
}
