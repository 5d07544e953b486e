import { imageSize } from 'image-size'
import type { Picture } from '../llm/types.ts'

/** What vendors take at most: of bytes (5 MB in base64, Anthropic; less is less to keep), and of points each way. */
const MAX_BYTES = 1_500_000
const MAX_SIDE = 8000
const TYPES: Readonly<Record<string, Picture['type']>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
}

/** A picture as models take it, with its size in points; or why it is none, in words. */
export type Seen = { readonly picture: Picture; readonly width: number; readonly height: number } | string

/** What bytes are as a picture. They may be anything: what vendors would refuse is refused here. */
export function pictureOf(bytes: Uint8Array): Seen {
  if (bytes.length > MAX_BYTES) return `it has ${bytes.length} bytes; at most ${MAX_BYTES} are looked at`
  try {
    const { width, height, type = '' } = imageSize(bytes)
    const known = TYPES[type]
    if (!known) return `it is no PNG, JPEG, GIF or WebP`
    if (!isSide(width) || !isSide(height))
      return `it is ${width} × ${height} points; at most ${MAX_SIDE} each way are looked at`
    return { picture: { type: known, base64: Buffer.from(bytes).toString('base64') }, width, height }
  } catch {
    return 'it cannot be read as a picture'
  }
}

function isSide(points: number): boolean {
  return points >= 1 && points <= MAX_SIDE
}
