import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { CASES, tableOf } from './table.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

it('every case of the reference is there, with a test of this name', () => {
  for (let number = 1; number <= 61; number++)
    expect(
      CASES.map(({ id }) => id),
      `case ${number}`,
    ).toContain(String(number))
  for (const { id, proof, tried } of CASES) {
    if (proof === '') expect(String(tried), id).toMatch(/^(not applicable|open)/)
    else {
      const [file = '', name = ''] = proof.split(' › ')
      expect(read(`../${file}`), `${id}: ${proof}`).toContain(name)
    }
  }
})

it('docs/security.md shows this table', () => {
  // `node --no-warnings test/security/print.ts` writes it.
  expect(read('../../docs/security.md')).toContain(tableOf(CASES))
})
