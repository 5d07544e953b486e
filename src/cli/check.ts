import type { Finding } from '../core/finding.ts'
import { printFinding } from './doctor.ts'
import type { Print } from './types.ts'

/** What a look at a repository found. */
export interface Looked {
  readonly findings: readonly Finding[]
  readonly isReady: boolean
  readonly proposal: string | undefined
}

/** Prints what is found as it is found, and what would do. @returns whether Muster can work on it */
export async function runCheck(
  look: (tell: (finding: Finding) => void) => Promise<Looked>,
  asJson: boolean,
  print: Print,
): Promise<boolean> {
  const report = await look((finding) => void (asJson || printFinding(finding, print)))
  if (asJson) print(JSON.stringify(report, null, 1))
  else print(conclusion(report))
  return report.isReady
}

function conclusion({ isReady, proposal }: Looked): string {
  if (!isReady) return '\nA change could not be proved here yet: see the lines marked ✗. Nothing was paid for.'
  const settings = proposal ? `\n\nA .github/muster.yml that would do:\n\n${proposal}\n` : ''
  return `\nMuster can work on this repository.${settings}`
}
