import type { Proof } from '../artefacts.ts'

/** What a proof says in a word. */
export function verdictText({ verdict }: Proof): string {
  if (verdict.proved || !verdict.open) return verdict.proved ? 'proved' : 'not proved'
  return isAnythingShown(verdict) ? 'not fully proved, a person decides' : 'nothing is proved, a person decides'
}

/** Whether any of the runs showed what it was to show. */
export function isAnythingShown({ red, green, suite }: Proof['verdict']): boolean {
  return red || green || suite
}
