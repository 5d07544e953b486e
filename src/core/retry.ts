/**
 * Exponential backoff with full jitter (Brooker, "Exponential Backoff And Jitter", 2015).
 * @param attempt 1 for the first retry
 * @param random a number in [0, 1)
 * @returns milliseconds to wait, at least 50
 */
export function backoffMs(attempt: number, random: number, baseMs = 500, capMs = 60_000): number {
  return Math.max(50, Math.floor(random * Math.min(capMs, baseMs * 2 ** (attempt - 1))))
}
