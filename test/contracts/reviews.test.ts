import { afterEach, expect, it } from 'vitest'
import { setStage, type Stage } from '../../rehearsal/stage.ts'
import { moreOfCheck } from '../../src/channels/github/failures.ts'
import { paragraph, say } from '../../src/core/reply/document.ts'
import { openApiCheck } from '../support/openapi.ts'
import { senderTo } from '../support/sender.ts'

const api = openApiCheck()
let stage: Stage | undefined
afterEach(async () => {
  await stage?.close()
  stage = undefined
  expect(api.violations).toEqual([])
})

async function withPull() {
  stage = await setStage({ onExchange: api.onExchange })
  const { people, world } = stage
  await people.push('bob', 'more', { 'src/more.ts': 'export const more = 1\n' }, 'Add more')
  const { number, pull } = await people.openPull('bob', { head: 'more', title: 'Add more', body: '' })
  const { client, sender, repository } = senderTo(stage, { redact: (text) => text })
  const context = { marker: 'muster:e1:0', task: undefined, previous: undefined, mayLeave: () => {}, now: 0, since: 0 }
  const headSha = pull?.headSha ?? ''
  const remark = (path: string) => ({ path, from: 1, to: 1, document: [paragraph(say`It is too little.`)] })
  const body = (path: string, at = headSha) => ({
    kind: 'review.post' as const,
    place: { repository, number },
    headSha: at,
    document: [paragraph(say`Looked at.`)],
    remarks: [remark(path)],
  })
  return { people, world, client, sender, repository, context, body, number, headSha }
}

it('a remark stands at its line, and an earlier try is known by its marker', async () => {
  const { world, sender, context, body } = await withPull()
  expect(await sender.lookUp(body('src/more.ts'), context)).toBeUndefined()
  const sent = await sender.send(body('src/more.ts'), context)
  expect(world.reviewComments.map(({ path, line }) => `${path}:${line}`)).toEqual(['src/more.ts:1'])
  expect(await sender.lookUp(body('src/more.ts'), context)).toEqual(sent)
  expect(await sender.lookUp(body('src/more.ts'), { ...context, marker: 'muster:e2:0' })).toBeUndefined()
})

it.each([
  ['at a line that the diff does not show', 'src/quote.ts', undefined],
  ['of a commit that is gone', 'src/more.ts', 'f'.repeat(40)],
])('what GitHub refuses %s stands in the review itself, said once', async (_, path, at) => {
  const { world, sender, context, body, headSha } = await withPull()
  await sender.send(body(path, at), context)
  expect(world.reviewComments).toEqual([])
  expect(world.reviews).toMatchObject([{ commitId: headSha }])
  expect(world.reviews[0]?.body).toContain(`At \`${path}\`, line 1:`)
  expect(world.reviews[0]?.body).toContain('It is too little.')
})

it('without the permission to read logs a failed check is told of without its log', async () => {
  const { people, world, client, repository, number, headSha } = await withPull()
  const runId = await people.failCheck(number, 'lint', 'It failed.', { log: '##[error]no-number-calls\n' })
  const check = { name: 'lint', headSha, text: 'It failed.', runId, isJob: true }
  const all = world.permissions
  const { actions: _, ...granted } = all
  world.permissions = granted
  const more = await moreOfCheck(client, repository, check, headSha)
  expect(more.text).toContain('It failed.')
  expect(more.text).toContain('the app lacks the permission "Actions"')
  expect(more.text).not.toContain('no-number-calls')
  world.permissions = all
  expect((await moreOfCheck(client, repository, check, headSha)).text).toContain('no-number-calls')
})
