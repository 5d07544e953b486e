/** Splits a sum of cents among so many people, one at least: the first pay a cent more where it cannot be divided. */
export function split(total, people) {
  return splitByShares(total, Array.from({ length: people }, () => 1))
}

/**
 * Splits a sum of cents by shares, whole numbers from 0 of which one is above 0. Nothing is lost: the parts add up to the sum.
 * What cannot be divided goes one cent each to the first who pay.
 */
export function splitByShares(total, shares) {
  const all = shares.reduce((sum, share) => sum + share, 0)
  if (all === 0) throw new RangeError('somebody has to pay')
  const parts = shares.map((share) => Math.floor((total * share) / all))
  const left = total - parts.reduce((sum, part) => sum + part, 0)
  return parts.map((part, index) => part + (index < left ? 1 : 0))
}
