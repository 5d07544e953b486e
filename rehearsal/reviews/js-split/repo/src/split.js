/** Splits a sum of cents among so many people, one at least: the first pay a cent more where it cannot be divided. */
export function split(total, people) {
  const each = Math.floor(total / people)
  const left = total - each * people
  return Array.from({ length: people }, (_, index) => each + (index < left ? 1 : 0))
}
