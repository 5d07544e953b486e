import { redactor } from '../../src/core/redact.ts'
import { expect, it } from 'vitest'
import { evolve } from '../../src/core/task/evolve.ts'
import { git as rehearsalGit } from '../../rehearsal/github/git.ts'
import { setStage } from '../../rehearsal/stage.ts'
import { openApiCheck } from '../support/openapi.ts'
import { senderTo } from '../support/sender.ts'
import { opened, origin, proof } from '../support/tasks.ts'

const SECRET = 'K3Y0123456789qwertzuiopqwertzuiop'

it('sends more than 50 annotations in batches, onto one check run, however often it is asked', async () => {
  const api = openApiCheck()
  const stage = await setStage({ onExchange: api.onExchange })
  try {
    const { world, repo } = stage
    const headSha = await rehearsalGit(repo.dir, ['rev-parse', 'main'])
    const { sender, repository } = senderTo(stage, { redact: redactor([SECRET]) })
    const annotations = Array.from({ length: 120 }, (_, index) => ({
      path: 'src/quote.ts',
      line: index + 1,
      message: index === 0 ? `${'a'.repeat(59_990)}${SECRET}` : `line ${index + 1}`,
    }))
    const start = opened({ origin: { ...origin, repository } }).task
    const task = evolve(
      { ...start, headSha },
      { type: 'proof.made', proof: { ...proof(headSha, false), annotations } },
      1,
    )
    const body = { kind: 'check.upsert', place: { repository, number: 1 }, headSha } as const
    const context = { marker: 'muster:e1:0', task: start, previous: undefined, mayLeave: () => {}, now: 0, since: 0 }
    // As after a crash: the first answer never came, so nothing is known of what was made.
    await sender.send(body, context)
    await sender.send(body, { ...context, task })
    expect(world.checkRuns).toMatchObject([
      { conclusion: 'failure', annotations: expect.objectContaining({ length: 120 }) },
    ])
    expect(api.violations).toEqual([])
    // What is too long is cut after its secrets are gone: half of one would be known as none.
    expect(JSON.stringify(world.checkRuns)).not.toContain(SECRET.slice(0, 5))
  } finally {
    await stage.close()
  }
})
