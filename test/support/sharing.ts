import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TargetName } from '../../src/core/settings.ts'
import { openStorage } from '../../src/operate/storage.ts'
import { TARGETS } from '../../src/releases/registry.ts'
import { NO_TOOLS } from '../../src/releases/tools.ts'
import { githubClient } from '../../src/channels/github/client.ts'
import { githubPlatform } from '../../src/channels/github/platform.ts'
import { workflowRuns } from '../../src/channels/github/workflows.ts'
import { openSandbox } from '../../src/workspace/sandbox.ts'
import { webManifest } from './cluster/web.ts'
import { SANDBOX } from './isolation.ts'
import type { Environment, ReleaseRow, Target } from '../../src/releases/types.ts'
import { fenceOf, type TestDatabase } from './databases.ts'
import { targetDeps } from './local.ts'
import { worker } from './worker.ts'

/** Where releases share the requests: a target, as it is opened anywhere. */
export interface Stage {
  readonly target: TargetName
  /** Its environment as it stands in the settings file. */
  readonly settings: Readonly<Record<string, unknown>>
  /** What the operator sets. */
  readonly env: Readonly<Record<string, string>>
  /** A GitHub whose workflows deploy. */
  readonly github?: Parameters<typeof githubClient>[0] | undefined
  /** Files of each release beside its server. */
  readonly files: Readonly<Record<string, string>>
}

/** Opens it. */
export async function onStage(
  { target: name, settings, env, github }: Stage,
  db: TestDatabase,
  dir: string,
): Promise<{ readonly target: Target; readonly environment: Environment }> {
  const module = TARGETS.get(name)
  if (!module) throw new Error(`there is no target ${name}`)
  const client = github && githubClient(github)
  const workflows = client && workflowRuns(client, githubPlatform(client))
  const target = await module.open(
    targetDeps(db, dir, { env, sandbox: openSandbox(SANDBOX), ...(workflows && { workflows }) }),
  )
  const parsed = module.settings.parse({ ...settings, target: name })
  return { target, environment: { repository: 'acme/x', name: 'production', settings: parsed } }
}

const server = (sha: string) =>
  `import { createServer } from 'node:http'
createServer((_, response) => response.end('${sha}')).listen(Number(process.env.PORT))
process.on('SIGTERM', () => process.exit(0))`

/** What answers with its SHA, for that target. */
function serverOf({ target }: Stage, sha: string): Readonly<Record<string, string>> {
  switch (target) {
    case 'durable-objects':
      return worker(`export default { fetch: () => new Response('${sha}') }`)
    case 'cloudflare':
      return worker(`// shows: ${sha}\nexport default { fetch: () => new Response() }`)
    case 'kubernetes':
      return { 'deploy/web.yaml': webManifest(sha) }
    case 'command':
      return { 'deploy.mjs': deploying(sha) }
    default:
      return { 'server.mjs': server(sha) }
  }
}

/** Takes a moment, and writes down that it was begun. */
const deploying = (sha: string) => `import { appendFileSync, writeFileSync } from 'node:fs'
appendFileSync(process.env.STATE + '.runs', '${sha}\\n')
await new Promise((resolve) => setTimeout(resolve, 300))
writeFileSync(process.env.STATE, '${sha}')
writeFileSync(process.env.STATE + '.sha', '${sha}')`

/** What was begun and has not ended is gone on with, as whoever takes the step over does. */
async function unfinished(db: TestDatabase, target: Target): Promise<ReleaseRow | undefined> {
  const rows = await db.storage.store.releases.list('acme/x', 'production')
  for (const row of rows) {
    const { state } = await target.observe(row.id)
    if (state === 'unfinished' || state === 'begun') return row
  }
  return undefined
}

/** A commit by its number, as targets that read commits want them. */
function shaOf(round: string, nth: number): string {
  return `${Number(round) * 10_000 + nth}`.padStart(40, '0')
}

/** Gives one release after the other a share of the requests, then more, then all, or takes it back, until it is killed. */
async function share(stage: Stage, url: string, dir: string, round: string): Promise<void> {
  const storage = await openStorage({ databaseUrl: url, dataDir: dir })
  const db = { storage } as unknown as TestDatabase
  const { target, environment } = await onStage(stage, db, dir)
  await target.host?.adopt()
  const signal = new AbortController().signal
  const held = async () => ({
    environment,
    signal,
    mayAct: () => {},
    fence: await fenceOf(db, 'env:acme/x:production'),
  })
  // What somebody else left with a share is taken away first, as people are told to.
  const left = await db.storage.store.releases.live('acme/x', 'production')
  if (left?.command.share) await target.restore?.({ ...(await held()), releaseId: left.command.share.beside })
  const apply = async (releaseId: string, sha: string) =>
    target.apply({
      ...(await held()),
      releaseId,
      taskId: 't',
      sha,
      ...(target.weigh && { percent: 30 }),
      tools: async () => NO_TOOLS,
      unpack: async (to) => {
        for (const [name, text] of Object.entries({ ...stage.files, ...serverOf(stage, sha) })) {
          mkdirSync(dirname(join(to, name)), { recursive: true })
          writeFileSync(join(to, name), text)
        }
      },
    })
  process.stdout.write('ready\n')
  const begun = target.weigh ? undefined : await unfinished(db, target)
  if (begun) await apply(begun.id, begun.sha)
  for (let nth = 1; ; nth++) {
    const sha = shaOf(round, nth)
    const before = await target.current(environment)
    await apply(`r-${sha}`, sha)
    await target.weigh?.({ ...(await held()), releaseId: `r-${sha}`, percent: 60 })
    const kept = (await target.restorable?.(environment))?.find((one) => one.sha === before)
    if (nth % 2 === 0 && kept) await target.restore?.({ ...(await held()), releaseId: kept.releaseId })
    else await target.weigh?.({ ...(await held()), releaseId: `r-${sha}`, percent: 100 })
  }
}

const [, program = '', stage = '', url = '', dir = '', round = ''] = process.argv
if (program === import.meta.filename) await share(JSON.parse(stage) as Stage, url, dir, round)
