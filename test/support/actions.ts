import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { World } from '../../rehearsal/github/world.ts'
import { startGithub } from '../../rehearsal/github/server.ts'
import { githubClient } from '../../src/channels/github/client.ts'
import { githubPlatform } from '../../src/channels/github/platform.ts'
import { workflowRuns } from '../../src/channels/github/workflows.ts'
import type { WorkflowRuns } from '../../src/releases/types.ts'
import { openApiCheck } from './openapi.ts'

/** A GitHub with one repository whose workflow `deploy.yml` does what it is told. */
export interface Actions {
  readonly world: World
  readonly runs: WorkflowRuns
  /** What was answered otherwise than GitHub's own description says. */
  readonly violations: readonly string[]
  close(): Promise<void>
}

/** @param name `owner/name` @param play what a run of it does */
export async function actionsOf(
  dir: string,
  name: string,
  play: (inputs: Readonly<Record<string, string>>) => Promise<'success' | 'failure'>,
): Promise<Actions> {
  const [owner = '', repo = ''] = name.split('/')
  const world = new World({ slug: 'muster', permissions: { actions: 'write', metadata: 'read' }, events: [] })
  const account = world.addAccount(owner)
  const bare = join(dir, 'repo.git')
  mkdirSync(bare, { recursive: true })
  const about = {
    id: 1,
    owner: account,
    name: repo,
    dir: bare,
    defaultBranch: 'main',
    createdAt: '2026-11-01T00:00:00Z',
  }
  world.repos.push({ ...about, people: new Map(), writers: new Set([account.login]) } as never)
  world.workflows.set(`${name}/deploy.yml`, play)
  const check = openApiCheck()
  const github = await startGithub(world, { onExchange: check.onExchange })
  const client = githubClient({
    appId: String(world.app.id),
    privateKey: world.app.privateKey,
    apiUrl: `${github.url}/api/v3`,
    serverUrl: github.url,
  })
  const runs = workflowRuns(client, githubPlatform(client))
  return { world, runs, violations: check.violations, close: () => github.close() }
}
