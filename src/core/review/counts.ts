import type { Kept } from './findings.ts'

/** `2 findings (1 high, 1 medium)`, or that there are none. */
export function countsText(findings: readonly Kept[]): string {
  if (findings.length === 0) return 'nothing found'
  const counts = (['high', 'medium', 'low'] as const).flatMap((severity) => {
    const count = findings.filter((one) => one.severity === severity).length
    return count > 0 ? [`${count} ${severity}`] : []
  })
  return `${findings.length} ${findings.length === 1 ? 'finding' : 'findings'} (${counts.join(', ')})`
}
