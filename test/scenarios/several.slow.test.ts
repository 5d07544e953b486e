import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, vi } from 'vitest'
import { ServerChild } from '../../rehearsal/child.ts'
import { waitFor } from '../../rehearsal/observe.ts'
import { setStage, type Stage } from '../../rehearsal/stage.ts'
import { ISSUE } from '../../rehearsal/texts.ts'
import { SANDBOX } from '../support/isolation.ts'
import { copyTemplate } from '../support/scene.ts'

vi.setConfig({ testTimeout: 600_000 })

const STORY = fileURLToPath(new URL('../../rehearsal/stories/tiers.json', import.meta.url))
const said = ({ world }: Stage, number: number) =>
  world.comments.filter((one) => one.issue === number && one.user === world.bot).map((one) => one.body)

it('repeats no command of a comment though the process dies between two of them', async () => {
  const stage = await setStage()
  copyTemplate(join(stage.dir, 'data'))
  const server = await ServerChild.start(stage, {
    MUSTER_SCRIPT: STORY,
    MUSTER_SANDBOX: SANDBOX,
    CRASH_AT: 'approval-consumed',
  })
  try {
    const issue = await stage.people.openIssue('alice', ISSUE.title, ISSUE.body)
    await stage.people.label('alice', issue.number, 'muster')
    const patience = 240_000
    const asked = await waitFor(
      server,
      issue.number,
      'question or plan',
      (task) => task.state.gate !== undefined,
      patience,
    )
    if (asked.state.gate?.kind === 'question')
      await stage.people.comment('alice', issue.number, '@muster answer bolts only')
    await waitFor(server, issue.number, 'plan', (task) => task.state.gate?.kind === 'plan', patience)
    await stage.people.comment('bob', issue.number, '@muster cost\n@muster approve\n@muster help')
    await expect
      .poll(() => said(stage, issue.number).filter((one) => one.includes('What it does')).length, { timeout: patience })
      .toBe(1)
    expect(server.restarts).toBe(1)
    expect(said(stage, issue.number).filter((one) => one.includes('Turns'))).toHaveLength(1)
  } finally {
    await server.stop()
    await stage.close()
  }
})
