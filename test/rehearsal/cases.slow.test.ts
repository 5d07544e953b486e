import { readdirSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { evalCommand } from '../../rehearsal/eval/command.ts'
import type { EvalResults } from '../../rehearsal/eval/results.ts'
import { SANDBOX } from '../support/isolation.ts'

const CASES = fileURLToPath(new URL('../../rehearsal/cases', import.meta.url))

it('the bundled cases are solved and proved, each by its story; what has no toolchain here is left out with a line', {
  timeout: 900_000,
}, async () => {
  const lines: string[] = []
  // As it is typed: named from the folder one stands in, while the servers run in others.
  const options = {
    cases: relative(process.cwd(), CASES),
    arm: 'muster',
    parallel: '2',
    minutes: '10',
    last: '1',
    recorded: true,
    json: true,
  }
  const ok = await evalCommand(options, { MUSTER_SANDBOX: SANDBOX }, (line) => lines.push(line))
  const { cases } = JSON.parse(lines.at(-1) ?? '{}') as EvalResults
  for (const one of cases)
    if (one.outcome === 'skipped') process.stderr.write(`skipped: the case ${one.name}. ${one.reason}\n`)
  expect(cases.map(({ name }) => name)).toEqual(readdirSync(CASES).toSorted())
  const played = cases.filter(({ outcome }) => outcome !== 'skipped')
  expect(played.map(({ name, outcome, proved, reason }) => ({ name, outcome, proved, reason }))).toEqual(
    played.map(({ name }) => ({ name, outcome: 'solved', proved: true, reason: 'the hidden tests pass' })),
  )
  expect(ok).toBe(true)
  // Node is there wherever this runs.
  expect(played.map(({ language }) => language)).toEqual(expect.arrayContaining(['JavaScript', 'TypeScript']))
  // A small bug takes few turns.
  for (const { turns } of played) expect(turns).toBeLessThanOrEqual(6)
})
