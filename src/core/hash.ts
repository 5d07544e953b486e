import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** JSON with object keys sorted, so that equal values have equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

/** SHA-256 in hex of a value's canonical JSON. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex')
}

/** Whether two secrets are the same, compared in constant time: how long it takes tells nothing of where they differ. */
export function isSameSecret(one: string | Uint8Array, other: string | Uint8Array): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** The marker that Muster hides in what it posts: names the effect, signed so that nobody else can plant one. */
export function markerOf(effectId: string, key: string): string {
  return `muster:${effectId}:${createHmac('sha256', key).update(effectId).digest('hex').slice(0, 32)}`
}

/** The effect id of a marker, or undefined when it was not made with `key`. */
export function readMarker(marker: string, key: string): string | undefined {
  const [, effectId, mac] = /^muster:([\w.-]+):([0-9a-f]{32})$/.exec(marker) ?? []
  if (!effectId || !mac) return undefined
  return isSameSecret(markerOf(effectId, key), marker) ? effectId : undefined
}
