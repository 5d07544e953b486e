import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { World } from '../../rehearsal/github/world.ts'
import { comesTo } from '../../rehearsal/github/api-waiting.ts'
import type { WaitingJob } from '../../rehearsal/github/world.ts'
import { startGithub } from '../../rehearsal/github/server.ts'
import { awaiting } from '../../src/channels/github/awaiting.ts'
import { githubClient } from '../../src/channels/github/client.ts'
import { githubPlatform } from '../../src/channels/github/platform.ts'
import { shipments } from '../../src/channels/github/shipments.ts'
import { workflowRuns } from '../../src/channels/github/workflows.ts'
import type { Runs } from '../../src/releases/types.ts'
import { openApiCheck } from './openapi.ts'

/** A GitHub with one repository whose workflow `deploy.yml` does what it is told. */
export interface Actions {
  readonly world: World
  readonly runs: Runs
  /** Its deployments with the task `ship`, which somebody carries out by doing the same. */
  readonly shipments: Runs
  /** Workflows of it that wait at an environment; every commit has one. */
  readonly awaiting: Runs
  /** Has one of a commit wait. */
  waits(sha: string): Promise<WaitingJob>
  /** How others reach it. */
  readonly reached: Parameters<typeof githubClient>[0]
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
  const world = new World({
    slug: 'muster',
    permissions: { actions: 'write', deployments: 'write', metadata: 'read' },
    events: [],
  })
  const account = world.addAccount(owner)
  const bare = join(dir, 'repo.git')
  mkdirSync(bare, { recursive: true })
  withCommits(bare)
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
  const reached = {
    appId: String(world.app.id),
    privateKey: world.app.privateKey,
    apiUrl: `${github.url}/api/v3`,
    serverUrl: github.url,
  }
  const client = githubClient(reached)
  const platform = githubPlatform(client)
  const shipping = shipper(world, play)
  return {
    world,
    reached,
    runs: workflowRuns(client, platform),
    shipments: shipments(client, platform),
    awaiting: awaiting(client, platform, () => new Promise((resolve) => setTimeout(resolve, 20))),
    waits: (sha) => {
      const [there] = world.repos
      if (!there) throw new Error('there is no repository')
      return comesTo(world, undefined, there, account, {
        sha,
        environment: 'production',
        play: () => play({ sha, environment: 'production' }),
      })
    },
    violations: check.violations,
    close: () => {
      clearInterval(shipping)
      return github.close()
    },
  }
}

/** Commits by the names that the contract has for them: a deployment is of one that there is. */
function withCommits(bare: string): void {
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', bare, '-c', 'user.name=x', '-c', 'user.email=x@x', ...args], { input: '' })
      .toString()
      .trim()
  git('init', '--quiet', '--bare')
  const commit = git('commit-tree', '-m', 'x', git('mktree'))
  for (let nth = 1; nth <= 9; nth++) git('update-ref', `refs/heads/sha-of-r-${nth}`, commit)
}

/** Another system, which hears of deployments and says what came of them; those with another task are not its. */
function shipper(world: World, play: (inputs: Readonly<Record<string, string>>) => Promise<'success' | 'failure'>) {
  const heard = new Set<number>()
  return setInterval(() => {
    for (const { id, ref, task, environment, statuses } of world.deployments) {
      if (heard.has(id) || !/^ship|^broken/.test(task)) continue
      heard.add(id)
      const tell = (state: string) =>
        statuses.push({
          id: world.id(),
          state,
          description: `shipping ${ref}`,
          logUrl: `https://ships.example/${id}`,
          environmentUrl: '',
          createdAt: new Date().toISOString().replace(/\.\d+/, ''),
        })
      tell('in_progress')
      if (task === 'broken') tell('failure')
      else void play({ sha: ref, environment }).then(tell)
    }
  }, 50)
}
