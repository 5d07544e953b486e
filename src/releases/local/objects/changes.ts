import type { Worker } from '../../workers/config.ts'
import type { Standing } from './protocol.ts'

/** What there is of objects, and what becomes of it with another Worker, a line for each class. */
export function changesOf({ objects }: Pick<Worker, 'objects'>, standing: readonly Standing[]): string[] {
  const there = [...new Set(standing.map(({ key }) => key))]
  const wanted = new Map(objects.map(({ key, className }) => [key, className]))
  const fresh = [...wanted]
    .filter(([key]) => !there.includes(key))
    .map(([, className]) => `\`${className}\` is new: it has no objects yet`)
  const known = there.map((key) => {
    const runs = standing.filter((one) => one.key === key).toSorted((a, b) => b.objects - a.objects)
    const all = runs.reduce((sum, one) => sum + one.objects, 0)
    const shares = runs.map(
      ({ sha, objects: many }, nth) => `${many}${nth === 0 ? ' of which run' : ''} \`${sha.slice(0, 7)}\``,
    )
    const counted = `\`${wanted.get(key) ?? key}\`: ${all} ${all === 1 ? 'object' : 'objects'}`
    if (!wanted.has(key)) return `${counted}, of a class that this commit has no more: what they have stored stays`
    return runs.length > 1 ? `${counted}, ${shares.join(' and ')}` : counted
  })
  return [...known, ...fresh]
}
