import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { expect, it, vi } from 'vitest'
import { linkPerson } from '../support/people.ts'
import { soon, startScene } from '../support/scene.ts'

vi.setConfig({ testTimeout: 360_000 })

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
)
if (!CHROMIUM) {
  if (process.env['CI']) throw new Error('Chromium is needed in CI')
  process.stderr.write('skipped: there is no Chromium\n')
}
/** Where pictures are kept, if they are wanted. */
const PICTURES = process.env['MUSTER_SCREENSHOTS']

it.skipIf(!CHROMIUM)(
  'one conversation looks right on the pages of Slack, Jira and ClickUp, and names nobody by accident',
  async () => {
    const scene = await startScene({ slack: true, jira: true, clickup: true, settings: () => 'approve_plan: always\n' })
    const browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox', '--disable-gpu'] })
    try {
      const { slack, jira, clickup } = scene
      if (!slack || !jira || !clickup) throw new Error('a channel is missing')
      await linkPerson(scene, 'slack', slack.server.world.team.id, slack.alice.id, 'alice')
      await linkPerson(scene, 'jira', new URL(jira.server.url).host, jira.alice.accountId, 'alice')
      await linkPerson(scene, 'clickup', clickup.server.world.team.id, String(clickup.alice.id), 'alice')
      const ticket = await jira.server.people.create(
        jira.alice,
        'Large orders get the wrong tier',
        'From 10 pieces on.',
      )
      const task = await clickup.server.people.create(
        clickup.alice,
        'Large orders get the wrong tier',
        'Quantities from 10 on should get the second tier.',
      )
      const words = `@muster fix ${ticket.key} ${clickup.server.url}/t/${task.id}: the tier for large orders, in acme/price-service`
      const { ts } = await slack.server.people.say(slack.alice, slack.channel, words)
      await soon(async () => (await scene.task()).state.gate?.kind).toBe('plan')
      await clickup.server.people.comment(clickup.alice, task, '@muster approve')
      await soon(async () => (await scene.task()).state.pullRequest?.draft).toBe(false)
      await soon(() => task.fields.size).toBe(1)
      await soon(() => JSON.stringify(slack.server.world.thread(slack.channel, ts))).toContain(
        'Please review and merge',
      )
      await soon(() => JSON.stringify(ticket.comments)).toContain('Please review and merge')
      await soon(() => JSON.stringify(task.comments)).toContain('Please review and merge')
      const page = await browser.newPage({ viewport: { width: 1180, height: 900 } })
      const look = async (name: string, url: string, wanted: readonly string[]) => {
        await page.goto(url)
        const text = (await page.locator('main').textContent()) ?? ''
        for (const one of wanted) expect(text).toContain(one)
        expect(text).not.toContain('[object Object]')
        await picture(page, name)
      }
      await look('slack-open', slack.server.url, ['Muster: Charge the right tier', 'Approved by alice', 'Pull request'])
      await look('jira-open', `${jira.server.url}/browse/${ticket.key}`, [
        'Being built',
        'Charge the right tier',
        'pull request',
      ])
      await look('clickup', `${clickup.server.url}/t/${task.id}`, [
        'in progress',
        'Charge the right tier',
        'acme/price-service/pull/',
      ])
    } finally {
      await browser.close()
      await scene.stop()
    }
  },
)

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES) await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true })
}
