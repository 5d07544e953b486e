import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it, vi } from 'vitest'

vi.setConfig({ testTimeout: 900_000 })

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** Plays a story as its user would. @returns its exit code, and the last line it printed */
function play(story: string): Promise<{ code: number; summary: Record<string, unknown> }> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(DATABASE|REDIS)_URL$/.test(name)))
  return new Promise((done) => {
    execFile(
      process.execPath,
      ['--no-warnings', MAIN, 'demo', '--json', '--story', story],
      { env, maxBuffer: 50_000_000 },
      (error, stdout) => {
        const last = stdout.trim().split('\n').at(-1) ?? '{}'
        done({ code: error ? Number(error.code ?? 1) : 0, summary: JSON.parse(last) as Record<string, unknown> })
      },
    )
  })
}

it.each(['queue', 'regression', 'canary', 'bisect'])(
  'the story of releases %s shows all that it is to show',
  async (story) => {
    const { code, summary } = await play(story)
    const checks = summary['checks'] as readonly { readonly what: string; readonly ok: boolean }[]
    expect(checks.filter(({ ok }) => !ok)).toEqual([])
    expect(checks.length).toBeGreaterThan(5)
    expect(code).toBe(0)
  },
)

it.each(['slack', 'jira'])('the story told in %s ends with everything there, once, in every place', async (story) => {
  const { code, summary } = await play(story)
  expect(summary).toMatchObject({
    kind: 'summary',
    ok: true,
    problems: [],
    effects: { duplicates: 0 },
    proof: { red: true, green: true },
    deployment: { verdict: 'healthy' },
  })
  const conversation = Object.entries(summary['conversation'] ?? {})
  expect(conversation.length).toBeGreaterThan(6)
  expect(conversation.filter(([, good]) => good !== true)).toEqual([])
  expect(code).toBe(0)
})
