import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { gunzipSync, gzipSync } from 'node:zlib'
import { ServerChild } from '../../rehearsal/child.ts'
import { setStage } from '../../rehearsal/stage.ts'
import { clickupStage, jiraStage, slackStage } from './channels.ts'

/**
 * GitHub, Slack, Jira and ClickUp with the same people, at addresses that stay the same: what is stored names them. Ports that
 * nobody is given at random.
 */
const PORTS = { github: 21_801, slack: 21_802, jira: 21_803, clickup: 21_804 } as const

/** An environment for each task that is deployed: what is approved is only deployed where nothing else was meanwhile. */
const ENVIRONMENTS = [
  'production',
  ...['github', 'slack', 'jira', 'clickup'].flatMap((one) => [`${one}-change`, `${one}-deploy`]),
]

export const SETTINGS = `approve_plan: always
planning: apart
review: { quiet: 600s }
environments:
${ENVIRONMENTS.map((name, index) => `  ${name}: { start: node src/server.ts, port: ${21_810 + index}, watch: 2s, health_timeout: 20s, approval: self }\n`).join('')}`

/** The town, as it was recorded or new. @param broken the tests of its repository cannot be run */
export async function openTown(options: { readonly broken?: boolean } = {}) {
  const checks = options.broken ? 'checks: { test: no-such-command }\n' : ''
  const stage = await setStage({
    port: PORTS.github,
    prepare: (folder) => writeFileSync(join(folder, '.github/muster.yml'), SETTINGS + checks),
  })
  const slack = await slackStage(PORTS.slack)
  const jira = await jiraStage(undefined, PORTS.jira)
  const clickup = await clickupStage(undefined, PORTS.clickup)
  const env = { ...slack.env, ...jira.env, ...clickup.env }
  return {
    stage,
    slack,
    jira,
    clickup,
    dataDir: join(stage.dir, 'data'),
    /** Starts the server, which everybody tells from now on what happens. */
    async start(extra: Readonly<Record<string, string>>): Promise<ServerChild> {
      const server = await ServerChild.begin(stage, { ...env, ...extra })
      clickup.server.world.hooks.length = 0
      for (const one of [slack, jira, clickup]) one.listen(server.url)
      await server.ready()
      return server
    },
    async close() {
      for (const one of [slack, jira, clickup]) await one.server.close()
      await stage.close()
    },
  }
}
export type Town = Awaited<ReturnType<typeof openTown>>

/** What is no memory of a place, but how it is reached, and what nobody should keep. */
const NOT_KEPT = new Set(
  `app repos tokens token botToken signingSecret secret consent hooks url deliveries eventsUrl hooksUrl
   calls triggers responders permissions events installationId`.split(/\s+/),
)

/** Writes down what everybody in town remembers. */
export function keepTown(town: Town, folder: string): void {
  const worlds = worldsOf(town).map((world) => ({
    next: Number(world.id()),
    memory: Object.fromEntries(
      Object.entries(world).filter(([name, value]) => !NOT_KEPT.has(name) && typeof value !== 'function'),
    ),
  }))
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'town.v8.gz'), gzipSync(serialize(worlds)))
  execFileSync('git', [
    '--git-dir',
    town.stage.repo.dir,
    'bundle',
    'create',
    join(folder, 'repository.bundle'),
    '--all',
  ])
}

/** Makes a new town remember what was written down. */
export function rememberTown(town: Town, folder: string): void {
  const kept = deserialize(gunzipSync(readFileSync(join(folder, 'town.v8.gz')))) as { next: number; memory: object }[]
  for (const [index, world] of worldsOf(town).entries()) {
    Object.assign(world, kept[index]?.memory)
    while (Number(world.id()) < (kept[index]?.next ?? 0));
  }
  const { dir } = town.stage.repo
  rmSync(dir, { recursive: true, force: true })
  execFileSync('git', ['clone', '--quiet', '--mirror', join(folder, 'repository.bundle'), dir])
  execFileSync('git', ['--git-dir', dir, 'config', 'http.receivepack', 'true'])
}

function worldsOf({ stage, slack, jira, clickup }: Town): { id(): string | number }[] {
  const { world } = slack.server
  // Slack names what is said by the clock.
  return [stage.world, Object.assign(world, { id: () => 0 }), jira.server.world, clickup.server.world]
}
