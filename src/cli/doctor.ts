import { verbatim } from '../core/sanitise.ts'
import { UserError } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import type { Print } from './types.ts'

/** A check; it answers rather than throws. */
export interface Check {
  readonly name: string
  run(): Promise<Omit<Finding, 'name'>>
}

const MARK = { ok: '✓', warning: '!', problem: '✗' } as const

/** Runs every check and prints what it found. @returns whether Muster can work */
export async function runDoctor(checks: readonly Check[], print: Print): Promise<boolean> {
  let fine = true
  for (const check of checks) {
    const finding = await look(check)
    printFinding(finding, print)
    fine &&= finding.state !== 'problem'
  }
  print(fine ? '\nMuster can work.' : '\nMuster cannot work yet: see the lines marked ✗.')
  return fine
}

/** One finding, and what to do about it: without what would move a terminal's cursor, for programs may have printed it. */
export function printFinding({ name, state, detail, fix }: Finding, print: Print): void {
  print(verbatim(`${MARK[state]} ${name}: ${detail}`))
  if (fix) print(verbatim(`    → ${fix}`))
}

async function look(check: Check): Promise<Finding> {
  try {
    return { name: check.name, ...(await check.run()) }
  } catch (error) {
    const fix = error instanceof UserError ? error.hint : undefined
    return { name: check.name, state: 'problem', detail: error instanceof Error ? error.message : String(error), fix }
  }
}
