import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultRepositorySettings, parseRepositorySettings, repositorySchema } from '../../src/config/repository.ts'

describe('.github/muster.yml', () => {
  it('has sensible defaults', () => {
    expect(parseRepositorySettings('')).toEqual({ ok: true, settings: defaultRepositorySettings() })
    expect(defaultRepositorySettings()).toMatchObject({
      mention: 'muster',
      label: 'muster',
      approvePlan: 'medium',
      planning: 'together',
      privacy: 'any',
      budgetUsd: 5,
      review: { quietSeconds: 20 },
      environments: {},
    })
  })

  it('reads times, environments and checks', () => {
    const parsed = parseRepositorySettings(
      'review: { quiet: 2m }\nchecks: { test: make check, timeout: 1h }\nenvironments:\n  staging: { start: ./run, port: 9000, watch: 90, approval: self }\n',
    )
    expect(parsed).toMatchObject({
      ok: true,
      settings: {
        review: { quietSeconds: 120 },
        checks: { test: 'make check', timeoutSeconds: 3600 },
        environments: { staging: { watchSeconds: 90, approval: 'self', auto: false, health: '/healthz' } },
      },
    })
  })

  it.each([
    ['approve_plan: sometimes', 1, 'approve_plan'],
    ['\nbudget: -1', 2, 'budget'],
    ['budgt: 3', 1, 'budgt'],
    ['review:\n  quiet: soon', 2, 'review.quiet'],
    ['environments:\n  prod:\n    port: 80', 3, 'environments.prod.start'],
    ['environments:\n  prod:\n    start: x\n    port: 80\n    env:\n      path: x', 6, 'environments.prod.env.path'],
    ['a: [', 1, '(syntax)'],
    ['- list', 1, '(file)'],
    ['a: 1\na: 2', 2, '(syntax)'],
  ])('tells line and key of %j', (text, line, key) => {
    const parsed = parseRepositorySettings(text)
    expect(parsed.ok ? [] : parsed.problems.map((problem) => [problem.line, problem.key])).toContainEqual([line, key])
  })

  it('never throws, and bounds what it reads', () => {
    fc.assert(fc.property(fc.string({ maxLength: 300 }), (text) => void parseRepositorySettings(text)))
    expect(
      parseRepositorySettings(
        `a: &a [x,x]\n${Array.from({ length: 30 }, (_, n) => `b${n}: &b${n} [*a,*a,*a,*a]`).join('\n')}`,
      ).ok,
    ).toBe(false)
    expect(parseRepositorySettings('#'.repeat(100_000)).ok).toBe(false)
  })

  it('is published as the schema it is checked by', () => {
    expect(JSON.parse(readFileSync(new URL('../../docs/muster.schema.json', import.meta.url), 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(repositorySchema())),
    )
  })
})
