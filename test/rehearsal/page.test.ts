import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'
import { expect, it } from 'vitest'
import { setStage } from '../../rehearsal/stage.ts'

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
)
if (!CHROMIUM) {
  if (process.env['CI']) throw new Error('Chromium is needed in CI')
  process.stderr.write('skipped: there is no Chromium\n')
}

it.skipIf(!CHROMIUM)(
  "shows the conversation as on GitHub: Markdown, diagrams, alerts; and runs nobody's script",
  async () => {
    const stage = await setStage()
    const browser = await chromium.launch({
      executablePath: CHROMIUM ?? '',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    })
    try {
      const issue = await stage.people.openIssue(
        'alice',
        'A <b>title</b>',
        '> [!IMPORTANT]\n> **Please look**\n\n- [x] done\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```mermaid\nflowchart LR\n  a["PM: Spec"] --> b["SD: Change"]\n```\n\n```mermaid\nxychart-beta\n  x-axis "second" [0, 1]\n  y-axis "n" 0 --> 5\n  bar [3, 4]\n```\n\n<script>document.title = "hacked"</script><img src=x onerror="document.title=\'hacked\'">',
      )
      const page = await browser.newPage()
      await page.goto(`${stage.github.url}/acme/price-service/issues/${issue.number}`)
      await page.waitForSelector('body[data-ready=yes]')
      expect(await page.locator('h1').textContent()).toContain('A <b>title</b>')
      expect(await page.locator('.alert-title').textContent()).toBe('Important')
      expect(await page.locator('.mermaid svg').count()).toBe(2)
      expect(await page.locator('.body table td').first().textContent()).toBe('1')
      expect(await page.title()).not.toBe('hacked')
    } finally {
      await browser.close()
      await stage.close()
    }
  },
)
