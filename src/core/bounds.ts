import type { Counted } from './fisher.ts'

/** 95 %, one-sided. */
const Z = 1.6448536269514722

/** The score interval of a proportion (E. B. Wilson, "Probable inference", 1927). */
export function wilson({ requests: n, errors }: Counted, z = Z): { readonly low: number; readonly high: number } {
  if (n === 0) return { low: 0, high: 1 }
  const p = errors / n
  const middle = p + (z * z) / (2 * n)
  const half = z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n))
  const whole = 1 + (z * z) / n
  return { low: Math.max(0, (middle - half) / whole), high: Math.min(1, (middle + half) / whole) }
}

/**
 * The interval of a difference of two proportions, second minus first (R. G. Newcombe, "Interval estimation for the difference between
 * independent proportions", 1998, method 10).
 */
export function newcombe(first: Counted, second: Counted, z = Z): { readonly low: number; readonly high: number } {
  const rate = ({ requests, errors }: Counted) => (requests === 0 ? 0 : errors / requests)
  const [p1, p2] = [rate(first), rate(second)]
  const [one, two] = [wilson(first, z), wilson(second, z)]
  const difference = p2 - p1
  return {
    low: difference - Math.hypot(p2 - two.low, one.high - p1),
    high: difference + Math.hypot(two.high - p2, p1 - one.low),
  }
}
