import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { roleOf } from '../support/model.ts'
import { type Scene, type SceneOptions, soon, startScene } from '../support/scene.ts'

vi.setConfig({ testTimeout: 360_000 })

let scene: Scene | undefined
afterEach(async () => {
  await scene?.stop()
  scene = undefined
})

/** The repository's tests need something that nobody has installed. */
function withScript(script: string) {
  return (folder: string) => {
    const path = join(folder, 'package.json')
    const file = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
    writeFileSync(path, JSON.stringify({ ...file, scripts: { test: script } }))
  }
}

async function begin(options: SceneOptions) {
  scene = await startScene(options)
  const { people, world } = scene.stage
  const issue = await people.openIssue('alice', 'Large orders get the wrong tier', '')
  await people.label('alice', issue.number, 'muster')
  const mine = () => world.comments.filter((one) => one.issue === issue.number && one.user === world.bot)
  const one = scene
  return {
    one,
    people,
    world,
    number: issue.number,
    asked: () => mine().find(({ body }) => body.includes('Before any work began')),
    mine,
  }
}

const SETTINGS = (extra: string) => `approve_plan: never\nplanning: apart\nreview: { quiet: 1s }\n${extra}`

/** Somebody changes the settings on the default branch. */
function push(repo: string, file: string, text: string) {
  const dir = mkdtempSync(join(tmpdir(), 'muster-push-'))
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', dir, '-c', 'user.name=alice', '-c', 'user.email=alice@example.org', ...args])
  try {
    execFileSync('git', ['clone', '--quiet', repo, dir])
    writeFileSync(join(dir, file), text)
    git('commit', '--quiet', '-am', 'Say how the tests are run')
    git('push', '--quiet', 'origin', 'HEAD')
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

describe('the tests as they are, before the first dollar', () => {
  it('cannot be run: the thread says why and asks, nothing is spent, and they are run again once it is mended', async () => {
    const { one, people, asked, number, mine } = await begin({
      prepare: withScript('vitest run'),
      settings: () => SETTINGS(''),
    })
    await soon(() => asked()?.body ?? '').toContain('not found')
    expect(asked()?.body).toContain('Nothing has been spent yet')
    expect(asked()?.body).toContain('`checks.setup`')
    expect(one.model.asked).toEqual([])
    await people.comment('carol', number, '@muster continue')
    await people.comment('alice', number, '@muster yes')
    await soon(() => mine().some(({ body }) => body.includes('goes on without proof, '))).toBe(true)
    expect(one.model.asked).toEqual([])
    push(one.stage.repo.dir, '.github/muster.yml', SETTINGS('checks: { test: node --test }\n'))
    await people.comment('alice', number, '@muster retry')
    await soon(async () => (await one.task()).state.pullRequest?.draft, 240_000).toBe(false)
    expect(asked()?.body).toContain('Run again')
    expect(one.stage.world.checkRuns.at(-1)?.conclusion).toBe('success')
  })

  it('what the set-up leaves in the tree is no part of the change', async () => {
    const { one } = await begin({
      settings: () => SETTINGS('checks: { setup: "echo left > left.txt; echo >> package.json" }\n'),
    })
    await soon(async () => (await one.task()).state.pullRequest?.draft, 240_000).toBe(false)
    const { headSha } = (await one.task()).state
    const changed = execFileSync('git', ['-C', one.stage.repo.dir, 'diff', '--name-only', `main...${headSha ?? ''}`])
    expect(changed.toString().trim().split('\n')).toEqual(['src/catalogue.ts', 'test/tiers.test.ts'])
  })

  it.each([
    ['need what nobody has installed', 'vitest run', '', 'not found'],
    ['hang', 'node -e "setInterval(() => {}, 1000)"', 'checks: { timeout: 2s }\n', 'still running after'],
    ['are not known', 'echo "Error: no test specified" && exit 1', '', 'I do not know how the tests are run'],
    ['need a set-up that fails', 'node --test', 'checks: { setup: "echo no registry here; exit 7" }\n', 'exit code 7'],
  ])(
    '%s: with `continue` the change is made without proof, and a person decides',
    async (_what, script, extra, words) => {
      const { one, people, asked, number } = await begin({
        prepare: withScript(script),
        settings: () => SETTINGS(extra),
      })
      await soon(() => asked()?.body ?? '').toContain(words)
      await people.comment('alice', number, '@muster continue')
      await soon(async () => (await one.task()).state.pullRequest?.draft, 240_000).toBe(false)
      expect(asked()?.body).toContain('Going on without proof')
      const rounds = one.model.asked.filter((call) => roleOf(call) === 'sd' && call.turn === 1)
      expect(rounds).toHaveLength(1)
      if (script.includes('--test')) return
      expect((await one.task()).state.proofs).toHaveLength(1)
      const pull = one.stage.world.issues.find(({ pull: it_ }) => it_ !== undefined)
      await soon(() => pull?.body ?? '').toContain('alice decided to go on without proof')
      expect(one.stage.world.checkRuns.at(-1)?.conclusion).toBe('neutral')
    },
  )
})
