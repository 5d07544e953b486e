import { expect, it } from 'vitest'
import { Driver } from '../support/driver.ts'
import { deployed, opened, releasePlan, report, settings } from '../support/tasks.ts'

/** What waits on GitHub asks once. */

const AWAITED = {
  target: 'github-environment',
  watchSeconds: 5,
  auto: false,
  approval: 'other',
} as const

const asks = (ref: string, run: number) =>
  ({ verb: 'deploy', environment: 'production', ref, awaits: { run, deployment: run + 100 } }) as const

it('follows what is under way, once; what is on its way already is nothing new', () => {
  const d = new Driver(opened({ workflow: 'deploy' }), 'not run')
  d.say(asks('a'.repeat(40), 1))
  expect(d.task.releases).toMatchObject([{ ref: 'a'.repeat(40), awaits: { run: 1, deployment: 101 } }])
  d.say(asks('a'.repeat(40), 2))
  expect([d.last.decision.reason, d.task.awaiting]).toEqual(['asked_already', undefined])
  d.say(asks('b'.repeat(40), 3))
  d.say(asks('b'.repeat(40), 3))
  expect(d.task.awaiting).toHaveLength(1)
  d.step('release_plan', { kind: 'release_plan', plan: { ...releasePlan('a'.repeat(40)), approval: 'none' } })
  d.recorded(1)
  d.step('deploy', { kind: 'deployed', deployed: deployed('a'.repeat(40)) })
  d.step('watch', { kind: 'report', report: report('a'.repeat(40)) })
  expect(d.task.awaiting).toEqual([])
  expect(d.task.releases.at(-1)).toMatchObject({ index: 2, ref: 'b'.repeat(40), awaits: { run: 3 } })
})

it('is refused with what it follows, and follows nothing else', () => {
  const environments = { production: AWAITED, second: AWAITED }
  const d = new Driver(opened({ workflow: 'deploy', settings: { ...settings, environments } }), 'not run')
  const later = (ref: string, run: number) => ({ ...asks(ref, run), environment: 'second' })
  d.say(asks('a'.repeat(40), 1))
  d.say(later('b'.repeat(40), 2))
  d.say({ verb: 'cancel', text: '' })
  const refused = d.last.effects.flatMap(({ body }) => (body.kind === 'deployment.refuse' ? [body] : []))
  expect(refused).toMatchObject([
    { sha: 'a'.repeat(40), environment: 'production', description: 'Cancelled' },
    { sha: 'b'.repeat(40), environment: 'second', description: 'Cancelled' },
  ])
  expect(new Set(d.last.effects.map(({ key }) => key)).size).toBe(d.last.effects.length)
  d.say(asks('c'.repeat(40), 3))
  expect(d.task).toMatchObject({ status: 'working', awaiting: [] })
})
