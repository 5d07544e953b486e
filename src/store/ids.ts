import { randomFillSync } from 'node:crypto'
import { v7 } from 'uuid'

const BYTES = 16
/** Randomness is fetched for many ids at once: asking for it costs more than what is made of it. */
const pool = new Uint8Array(256 * BYTES)
let used = pool.length

function random(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += BYTES
  return pool.subarray(used - BYTES, used)
}

/**
 * A new id for a row (UUID version 7, RFC 9562): what is made together stands together in every index, so that writing costs
 * the same however much is stored. Random ids touch another page of every index with each row.
 */
export function newId(): string {
  return v7({ random: random() })
}
