import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TargetName } from '../../src/core/settings.ts'
import { openStorage } from '../../src/operate/storage.ts'
import { TARGETS } from '../../src/releases/registry.ts'
import { NO_TOOLS } from '../../src/releases/tools.ts'
import type { Environment, Target } from '../../src/releases/types.ts'
import { fenceOf, type TestDatabase } from './databases.ts'
import { targetDeps } from './local.ts'
import { worker } from './workers.ts'

/** Where releases share the requests: a target, as it is opened anywhere. */
export interface Stage {
  readonly target: TargetName
  /** Its environment as it stands in the settings file. */
  readonly settings: Readonly<Record<string, unknown>>
  /** What the operator sets. */
  readonly env: Readonly<Record<string, string>>
  /** Files of each release beside its server. */
  readonly files: Readonly<Record<string, string>>
}

/** Opens it. */
export async function onStage(
  { target: name, settings, env }: Stage,
  db: TestDatabase,
  dir: string,
): Promise<{ readonly target: Target; readonly environment: Environment }> {
  const module = TARGETS.get(name)
  if (!module) throw new Error(`there is no target ${name}`)
  const target = await module.open(targetDeps(db, dir, { env }))
  const parsed = module.settings.parse({ ...settings, target: name })
  return { target, environment: { repository: 'acme/x', name: 'production', settings: parsed } }
}

const server = (sha: string) =>
  `import { createServer } from 'node:http'
createServer((_, response) => response.end('${sha}')).listen(Number(process.env.PORT))
process.on('SIGTERM', () => process.exit(0))`

/** What answers with its SHA, for that target. */
function serverOf({ target }: Stage, sha: string): Readonly<Record<string, string>> {
  if (target === 'durable-objects') return worker(`export default { fetch: () => new Response('${sha}') }`)
  return { 'server.mjs': server(sha) }
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
  process.stdout.write('ready\n')
  for (let nth = 1; ; nth++) {
    const sha = `${round}-${nth}`
    const before = await target.current(environment)
    await target.apply({
      ...(await held()),
      releaseId: `r-${sha}`,
      taskId: 't',
      sha,
      percent: 30,
      tools: async () => NO_TOOLS,
      unpack: async (to) => {
        for (const [name, text] of Object.entries({ ...stage.files, ...serverOf(stage, sha) }))
          writeFileSync(join(to, name), text)
      },
    })
    await target.weigh?.({ ...(await held()), releaseId: `r-${sha}`, percent: 60 })
    const kept = (await target.restorable?.(environment))?.find((one) => one.sha === before)
    if (nth % 2 === 0 && kept) await target.restore?.({ ...(await held()), releaseId: kept.releaseId })
    else await target.weigh?.({ ...(await held()), releaseId: `r-${sha}`, percent: 100 })
  }
}

const [, program = '', stage = '', url = '', dir = '', round = ''] = process.argv
if (program === import.meta.filename) await share(JSON.parse(stage) as Stage, url, dir, round)
