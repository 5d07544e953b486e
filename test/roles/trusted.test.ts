import { expect, it } from 'vitest'
import { withCheckout } from '../../src/roles/workspace.ts'
import type { CloneContext } from '../../src/roles/types.ts'
import { type Checkout, type Git, NO_OUTFIT } from '../../src/workspace/types.ts'
import { opened } from '../support/tasks.ts'

/** Which commit a set-up with network is run at, and by which commit this machine fetches something. */
async function setUpAt(pull: { base: string; head?: string } | undefined, base?: string) {
  const ran: string[] = []
  const asked: string[] = []
  const clone = (sha: string): Checkout => ({
    dir: '/nowhere',
    sha,
    isSetUp: false,
    outfit: NO_OUTFIT,
    run: async () => ({ exitCode: 0, timedOut: false, output: '', seconds: 0 }),
    exec: async (command, options) => {
      ran.push(`${command} at ${sha}${options?.network ? ', with network' : ''}`)
      return { exitCode: 0, timedOut: false, output: '', seconds: 0 }
    },
    diff: async () => ({ diff: '', files: [] }),
    disregard: async () => {},
    switchTo: async () => {},
    fillFrom: async () => {},
    others: [],
    settle: async () => {},
    keepBuilt: async () => {},
    dispose: async () => {},
  })
  const git: Partial<Git> = {
    checkout: async (_, sha) => clone(sha),
    resolve: async () => 'merged',
    mergeBase: async () => 'merged',
    files: async (_, sha) => [{ path: `.nvmrc-of-${sha}`, object: sha }],
    show: async () => undefined,
    isAncestor: async () => false,
  }
  const { task } = opened()
  const context: CloneContext = {
    task: {
      settings: {
        ...task.settings,
        checks: { ...task.settings.checks, setup: 'make deps', setupNetwork: true },
      },
      baseline: undefined,
      baseSha: undefined,
      origin: { repository: task.origin.repository, pull },
    },
    signal: new AbortController().signal,
    git: git as Git,
    machine: {
      setupNetwork: true,
      outfit: async ({ files }) => {
        asked.push([...files].join())
        return NO_OUTFIT
      },
    },
    during: (_, work) => work(),
  }
  await withCheckout(context, 'head', async () => {}, base === undefined ? {} : { base })
  return { ran, asked }
}

it('a set-up with network runs on what people merged, whatever branch the work begins from', async () => {
  const merged = { ran: ['make deps at merged, with network'] }
  expect(await setUpAt(undefined, 'merged')).toMatchObject(merged)
  // The branch of a pull request that is to be mended is its author's alone.
  expect(await setUpAt({ base: 'main', head: 'feature' }, 'head')).toMatchObject(merged)
  expect(await setUpAt({ base: 'main', head: 'feature' })).toMatchObject(merged)
  // One that is only looked at.
  const looked = await setUpAt({ base: 'main' }, 'merged')
  expect(looked).toMatchObject(merged)
  expect(looked.asked).toEqual(['.nvmrc-of-merged'])
})
