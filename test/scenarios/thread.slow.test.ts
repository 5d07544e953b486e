import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { commitFolder, git } from '../../rehearsal/github/git.ts'
import { goodModel, roleOf, SPEC } from '../support/model.ts'
import { QUICK, type Scene, type SceneOptions, soon, startScene } from '../support/scene.ts'

vi.setConfig({ testTimeout: 360_000 })

let scene: Scene
const start = async (options: SceneOptions = {}) => (scene = await startScene(options))
afterEach(() => scene.stop())

const comments = (number: number) =>
  scene.stage.world.comments
    .filter((one) => one.issue === number && one.user === scene.stage.world.bot)
    .map((one) => one.body)
const decisions = async () =>
  (await scene.events()).map((one) => `${one.kind} ${one.decision?.outcome}/${one.decision?.reason}`)

describe('in the thread', () => {
  it('goes from the label to a proved pull request, with one status comment and one check run', async () => {
    await start()
    const { people, world } = scene.stage
    const issue = await people.openIssue('alice', 'Wrong price', 'Twelve bolts cost too much.')
    await people.label('alice', issue.number, 'muster')
    await soon(() => world.issues.find((one) => one.pull)?.pull?.draft).toBe(false)
    await soon(() => comments(issue.number)[0]).toContain('Please review and merge')
    expect(comments(issue.number)).toHaveLength(1)
    await soon(() => world.checkRuns.map((run) => [run.name, run.conclusion])).toEqual([['muster/proof', 'success']])
    expect(world.reactions.filter((one) => one.target === `issue:${issue.number}`)).toHaveLength(1)
    const pull = world.issues.find((one) => one.pull)
    expect(pull).toMatchObject({ title: 'Sort tiers by number', user: { login: 'muster[bot]' } })
    expect(pull?.body).toContain(`Closes #${issue.number}`)
    await soon(() => pull?.body ?? '').toContain('| ✅ | 12 bolts cost 3.84 | the test |')
    // What people saw stands there once, and what the roles said among themselves not at all.
    expect(pull?.body.split('Wrong price.')).toHaveLength(2)
    expect((pull?.body ?? '').split('<details>', 1).join().split('\n').filter(Boolean).length).toBeLessThan(16)
    expect(pull?.pull?.head).toBe(`muster/${issue.number}-charge-the-right-tier`)
    await people.comment('alice', issue.number, '@muster status')
    await soon(() => comments(issue.number).length).toBe(2)
    await people.comment('alice', issue.number, '@muster why')
    await soon(() => comments(issue.number).at(-1)).toContain('alice: issues labeled')
    expect(comments(issue.number).at(-1)).toMatch(/alice: @\u200b?muster status \| \*\*done\*\*/)
    expect(comments(issue.number).at(-1)).toContain(`#issuecomment-`)
    expect(scene.api.seen.size).toBeGreaterThan(12)
  })

  it('refuses strangers politely, once, and does nothing for them', async () => {
    await start()
    const { people } = scene.stage
    const issue = await people.openIssue('carol', 'Hello', '@muster build everything')
    await soon(() => comments(issue.number).length).toBe(1)
    for (const text of ['@muster build', '/muster deploy production', '@muster approve'])
      await people.comment('carol', issue.number, text)
    await soon(async () => (await decisions()).filter((one) => one.includes('refused/permission')).length).toBe(4)
    expect(comments(issue.number)).toHaveLength(1)
    expect(comments(issue.number)[0]).toContain('write permission')
    expect(scene.model.asked).toHaveLength(0)
    await expect(scene.task()).rejects.toThrow()
  })

  it('takes so many commands of one person, and says so once', async () => {
    await start()
    const { people } = scene.stage
    const issue = await people.openIssue('carol', 'Hello', 'x')
    for (let nth = 0; nth < 40; nth++) await people.comment('carol', issue.number, '@muster build')
    await soon(async () => (await decisions()).filter((one) => one.includes('refused')).length).toBe(40)
    const over = (await decisions()).filter((one) => one.includes('rate_limited'))
    expect(over.length).toBeGreaterThan(1)
    await soon(() => comments(issue.number).filter((one) => one.includes('a lot at once'))).toHaveLength(1)
    expect(comments(issue.number)).toHaveLength(2)
  })

  it('does not hear bots, edits, quotes, code, and other labels', async () => {
    await start()
    const { people } = scene.stage
    const issue = await people.openIssue('alice', 'Hello', 'nothing here')
    await people.label('alice', issue.number, 'bug')
    const id = await people.comment('alice', issue.number, 'just talking')
    await people.editComment('alice', id, '@muster build')
    await people.comment('alice', issue.number, '> @muster build\n\n```\n@muster build\n```')
    scene.stage.world.addAccount('other[bot]', 'Bot')
    await people.comment('other[bot]', issue.number, '@muster build')
    await soon(decisions).toEqual([
      'issue_comment.created ignored/bot_sender',
      'issue_comment.created ignored/no_trigger',
      'issue_comment ignored/edited',
      'issue_comment.created ignored/no_trigger',
      'issues.labeled ignored/not_for_us',
      'issues.opened ignored/no_trigger',
    ])
    expect(comments(issue.number)).toHaveLength(0)
  })

  it('names line, key and expectation of a bad settings file, once, and does not fall back to defaults', async () => {
    await start({
      settings: () =>
        'approve_plan: sometimes\nbudget: 5\nenvironments:\n  production:\n    port: 99999\n    start: node x\n    colour: red\n',
    })
    const { people } = scene.stage
    const issue = await people.openIssue('alice', 'Wrong price', 'x')
    await people.label('alice', issue.number, 'muster')
    await soon(() => comments(issue.number)[0]).toMatch(
      /\| 1 \| `approve_plan` \|[\s\S]*\| 5 \| `environments.production.port` \|[\s\S]*\| 7 \| `environments.production.colour` \|/,
    )
    await people.comment('alice', issue.number, '@muster build')
    await soon(async () => (await decisions()).filter((one) => one.includes('settings_invalid')).length).toBe(2)
    expect(comments(issue.number)).toHaveLength(1)
    await expect(scene.task()).rejects.toThrow()
  })

  it('asks what it must know, and takes a plain reply as the answer', async () => {
    await start({
      model: (asked) =>
        roleOf(asked) === 'pm' && !asked.texts.join('').includes('the new list')
          ? { tools: [{ name: 'finish', input: { ...SPEC, questions: ['Which price list counts?'] } }] }
          : goodModel(asked),
    })
    const { people, world } = scene.stage
    const issue = await people.openIssue('alice', 'Wrong price', 'x')
    await people.label('alice', issue.number, 'muster')
    await soon(() => comments(issue.number).find((one) => one.includes('1. Which price list counts?'))).toBeTruthy()
    await people.comment('carol', issue.number, 'the old one!')
    await people.comment('alice', issue.number, 'the new list, of course')
    await soon(() => world.issues.some((one) => one.pull)).toBe(true)
    expect(scene.model.asked.some((one) => one.texts.join('').includes('the old one!'))).toBe(false)
  })

  it('stops a running step at once when told to cancel, and says what remains', async () => {
    await start({
      model: (asked) => (roleOf(asked) === 'sa' ? { ...goodModel(asked), delayMs: 60_000 } : goodModel(asked)),
    })
    const { people } = scene.stage
    const issue = await people.openIssue('alice', 'Wrong price', 'x')
    await people.label('alice', issue.number, 'muster')
    await soon(() => scene.model.asked.some((one) => roleOf(one) === 'sa')).toBe(true)
    await people.comment('bob', issue.number, '@muster cancel')
    await soon(() => comments(issue.number).find((one) => one.includes('Cancelled by bob'))).toContain(
      'Stopped: design.',
    )
    expect((await scene.task()).status).toBe('cancelled')
    await people.comment('bob', issue.number, '@muster retry')
    await soon(() => comments(issue.number).at(-1)).toContain('cancelled')
  })

  it('with a budget of nothing it spends nothing and says what to do; continue goes on', async () => {
    await start({ settings: (port) => `budget: 0\n${QUICK(port + 1)}` })
    const { people, world } = scene.stage
    const issue = await people.openIssue('alice', 'Wrong price', 'x')
    await people.label('alice', issue.number, 'muster')
    await soon(() => comments(issue.number).find((one) => one.includes('Budget reached'))).toContain('continue +$')
    expect(scene.model.asked).toHaveLength(0)
    await people.comment('alice', issue.number, '@muster continue +$3')
    await soon(() => world.issues.some((one) => one.pull)).toBe(true)
  })

  it('keeps the work on a branch when the money runs out in the middle', async () => {
    await start({
      settings: (port) => `budget: 0.5\n${QUICK(port + 1)}`,
      model: (asked) => (roleOf(asked) === 'sd' ? { ...goodModel(asked), outputTokens: 30_000 } : goodModel(asked)),
    })
    const { people, world } = scene.stage
    const issue = await people.openIssue('alice', 'Wrong price', 'x')
    await people.label('alice', issue.number, 'muster')
    await soon(async () => (await scene.task()).state.wip?.branch).toBe(
      `muster/${issue.number}-charge-the-right-tier-wip-1`,
    )
    expect(scene.model.asked.at(-1)?.texts.slice(1).join('')).not.toContain('accepted')
    await people.comment('alice', issue.number, '@muster continue +$20')
    await soon(() => world.issues.find((one) => one.pull)?.pull?.draft).toBe(false)
    expect(scene.model.asked.some((one) => one.texts[0]?.includes('unfinished work is already in your clone'))).toBe(
      true,
    )
  })

  it('says what to do when the key is wrong, and goes on after retry', async () => {
    let broken = true
    await start({
      model: (asked) =>
        broken
          ? {
              status: 401,
              body: { type: 'error', error: { type: 'authentication_error', message: 'invalid x-api-key' } },
            }
          : goodModel(asked),
    })
    const { people, world } = scene.stage
    const issue = await people.openIssue('alice', 'Wrong price', 'x')
    await people.label('alice', issue.number, 'muster')
    await soon(() => comments(issue.number).find((one) => one.includes('failed'))).toBeTruthy()
    await soon(() => comments(issue.number).at(-1)).toContain('ANTHROPIC_API_KEY')
    broken = false
    await people.comment('alice', issue.number, '@muster retry')
    await soon(() => world.issues.some((one) => one.pull)).toBe(true)
  })

  it('ends an unprovable change with a hand-off, never with a proof', async () => {
    await start({
      model: (asked) =>
        roleOf(asked) === 'sd'
          ? asked.turn === 1
            ? {
                tools: [
                  {
                    name: 'write',
                    input: {
                      path: 'test/none.test.ts',
                      content:
                        "import { test } from 'node:test'\ntest('nothing', () => {})\n" +
                        `// ${scene?.model.asked.length ?? 0}\n`,
                    },
                  },
                ],
              }
            : { tools: [{ name: 'finish', input: { title: 'Nothing', summary: 'x', notDone: '', answers: [] } }] }
          : goodModel(asked),
    })
    const { people, world } = scene.stage
    const issue = await people.openIssue('alice', 'Wrong price', 'x')
    await people.label('alice', issue.number, 'muster')
    await soon(async () => (await scene.task()).status, 240_000).toBe('handed_off')
    await soon(() => comments(issue.number).at(-1)).toContain('prove nothing')
    expect(world.issues.find((one) => one.pull)?.pull?.draft).toBe(true)
    await soon(() => world.checkRuns.map((run) => run.conclusion)).toEqual(['failure', 'failure', 'failure'])
  })

  it('says what to do about a repository without tests, and goes on with the mended settings', async () => {
    await start({
      prepare: (folder) => {
        const file = join(folder, 'package.json')
        writeFileSync(file, readFileSync(file, 'utf8').replace(/,\s*"test": "[^\n]*/, ''))
      },
    })
    const { people, world, repo } = scene.stage
    const issue = await people.openIssue('alice', 'Wrong price', 'x')
    await people.label('alice', issue.number, 'muster')
    await soon(() => comments(issue.number).at(-1)).toContain(
      'Say how they are run: `checks.test` in `.github/muster.yml`',
    )
    const folder = join(scene.stage.dir, 'sample')
    writeFileSync(
      join(folder, '.github/muster.yml'),
      `${QUICK(1)}checks: { test: 'node --test "test/*.test.ts"', test_files: 'node --test {files}' }\n`,
    )
    await commitFolder(repo.dir, folder, 'alice', 'Say how the tests are run')
    await people.comment('alice', issue.number, '@muster retry')
    await soon(() => world.issues.find((one) => one.pull)?.pull?.draft).toBe(false)
  })

  it('says what to do about an empty repository', async () => {
    await start()
    const { people, repo } = scene.stage
    await git(repo.dir, ['update-ref', '-d', 'refs/heads/main'])
    const issue = await people.openIssue('alice', 'Wrong price', 'x')
    await people.label('alice', issue.number, 'muster')
    await soon(() => comments(issue.number).at(-1)).toContain('The repository is empty. Push a first commit')
  })

  it('answers a question and changes nothing', async () => {
    await start({
      model: (asked) =>
        roleOf(asked) === 'pm'
          ? { tools: [{ name: 'finish', input: { ...SPEC, kind: 'question' } }] }
          : { tools: [{ name: 'finish', input: { answer: 'Because `src/catalogue.ts` sorts as text. Ask @bob.' } }] },
    })
    const { people, world } = scene.stage
    const issue = await people.openIssue('alice', 'Why?', '@muster ask why is the order of tiers wrong?')
    await soon(() => comments(issue.number).find((one) => one.includes('sorts as text'))).toContain('@\u200bbob')
    await soon(async () => (await scene.task()).status).toBe('done')
    expect(world.issues.filter((one) => one.pull)).toHaveLength(0)
  })
})
