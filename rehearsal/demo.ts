import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UserError } from '../src/core/errors.ts'
import { chooseSandbox } from '../src/workspace/choose.ts'
import type { SandboxKind } from '../src/workspace/types.ts'
import { ServerChild } from './child.ts'
import { type OwnDatabase, ownDatabase } from './database.ts'
import { modelEnv } from './own/models.ts'
import { jsonNarrator, type Narrator, textNarrator } from './narrator.ts'
import { Stuck, taskOf, type TaskView } from './observe.ts'
import { showProgress } from './progress.ts'
import { playCustomers, playFirstRelease, playFix } from './player.ts'
import { inJira, inSlack, onGithub, type Way } from './ways.ts'
import { playReleases } from './releases/play.ts'
import { RELEASE_STORIES } from './releases/stories.ts'
import type { Containers, ReleaseStory } from './releases/types.ts'
import { setStage, type Stage, unusedPort } from './stage.ts'
import { lookAtConversation } from './conversation.ts'
import { summarise } from './summary.ts'

export interface DemoOptions {
  readonly keep?: boolean
  readonly json?: boolean
  readonly live?: boolean
  readonly record?: string
  readonly story: string
  /** What keeps commands in; undefined: the best that works here. */
  readonly sandbox?: SandboxKind | undefined
  /** Where they are given: a web process and two workers on a database of their own there, rather than one process on an embedded one. */
  readonly databaseUrl?: string | undefined
  readonly redisUrl?: string | undefined
}

const LIVE_PATIENCE_MS = 30 * 60_000
const PATIENCE_MS = 120_000
const INTERRUPT_GRACE_MS = 3000

/** Where the people of each story talk with Muster. */
const WAYS: Readonly<Record<string, (stage: Stage) => Way>> = { tiers: onGithub, slack: inSlack, jira: inJira }

function wayOf(story: string): (stage: Stage) => Way {
  const way = Object.hasOwn(WAYS, story) ? WAYS[story] : undefined
  if (way) return way
  throw new UserError('no_story', `There is no story called "${story}".`, {
    hint: `The stories are ${[...Object.keys(WAYS), ...Object.keys(RELEASE_STORIES)].join(', ')}.`,
  })
}

/** Undefined where the story is one of the whole journey. @throws UserError where there is none of that name */
function releaseStoryOf(story: string): ReleaseStory | undefined {
  const found = Object.hasOwn(RELEASE_STORIES, story) ? RELEASE_STORIES[story] : undefined
  if (!found) wayOf(story)
  return found
}

/** What the people are about to do, for whoever watches. */
const CHAPTERS: Readonly<Record<string, string>> = {
  'first release': 'First, the service as it is goes live: alice asks for it, bob approves.',
  issue: 'A customer complains. Alice hands it to Muster.',
  answer: 'Muster asks back, and a person answers.',
  review: 'Proved. Bob reviews: one change request, one question.',
  merge: 'Bob approves and merges.',
  deploy: 'Alice asks for the deploy. She may not approve it herself; bob does.',
}

/** Plays the whole journey. @returns whether all of it truly happened */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const narrator = options.json ? jsonNarrator((text) => void process.stdout.write(text)) : textNarrator(process.stdout)
  const releases = releaseStoryOf(options.story)
  const env = await environmentOf(options)
  introduce(narrator, options, env)
  const started = Date.now()
  const open: Opened = {}
  const settle = cleanUpOnInterrupt(open, narrator)
  let ok = false
  try {
    const database = (open.database = options.databaseUrl ? await ownDatabase(options.databaseUrl) : undefined)
    const ports = (open.ports = releases ? [await unusedPort(), await unusedPort()] : [])
    const containers = (open.containers = await releases?.equip?.((text) => narrator.say(text)))
    const stage = (open.stage = await setStage(
      releases
        ? { prepare: (folder) => releases.prepare(folder, ports, containers) }
        : { withTeam: options.story !== 'tiers' },
    ))
    const server = (open.server = await ServerChild.begin(stage, {
      ...env,
      ...(database ? { DATABASE_URL: database.url } : {}),
      ...containers?.env,
      ...(options.redisUrl ? { REDIS_URL: options.redisUrl } : {}),
    }))
    ok = await watched(open, { stage, server }, narrator, options, started)
    settle()
    if (options.keep) await keepRunning(stage, server, narrator)
  } finally {
    settle()
    await close(open, ok)
  }
  return ok
}

/** What a rehearsal has opened so far, and is closed again whatever happens. */
interface Opened {
  database?: OwnDatabase | undefined
  stage?: Stage
  server?: ServerChild
  containers?: Containers | undefined
  ports?: readonly number[]
}

/** What went wrong while it played can still be looked at; a server that never started has said everything. */
async function close({ server, stage, database, containers }: Opened, ok: boolean): Promise<void> {
  await server?.stop()
  await containers?.clean()
  await database?.drop()
  await stage?.close(!ok && server?.wasReady === true)
}

async function watched(
  { containers, ports = [] }: Opened,
  { stage, server }: { readonly stage: Stage; readonly server: ServerChild },
  narrator: Narrator,
  options: DemoOptions,
  started: number,
): Promise<boolean> {
  const unwatch = stage.world.watch((entry) => narrator.entry(entry))
  const stopShowing = showProgress(narrator, server, 2)
  try {
    await server.ready()
    const releases = releaseStoryOf(options.story)
    if (!releases) return await play(stage, server, narrator, options, started)
    const say = (text: string) => narrator.say(`\n${text}`)
    const scene = { stage, server, containers, ports, patienceMs: PATIENCE_MS, say }
    return await playReleases(releases, scene, narrator, started, options.keep === true)
  } finally {
    stopShowing()
    unwatch()
    narrator.stop()
  }
}

/** Ctrl-C in the middle leaves nothing behind. @returns what takes this back */
function cleanUpOnInterrupt(open: Opened, narrator: Narrator): () => void {
  const stop = () => {
    narrator.stop()
    narrator.say('Stopped.')
    setTimeout(() => void close(open, true).finally(() => process.exit(130)), INTERRUPT_GRACE_MS)
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  return () => {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
}

/** The settings of the server: a story in the model's place, or the real one. */
async function environmentOf(options: DemoOptions): Promise<Record<string, string>> {
  const MUSTER_SANDBOX = await sandboxFor(options)
  if (!options.live) {
    const releases = releaseStoryOf(options.story)
    const recorded = releases ? (releases.script ?? 'tiers') : options.story
    const script = fileURLToPath(new URL(`./stories/${recorded}.json`, import.meta.url))
    return { MUSTER_SANDBOX, MUSTER_SCRIPT: script }
  }
  return {
    MUSTER_SANDBOX,
    ...modelEnv(process.env, undefined),
    ...(options.record ? { MUSTER_RECORD: resolve(options.record) } : {}),
  }
}

/** A story runs only what we know; what a real model writes is kept in, or not run. @throws UserError `no_sandbox` */
async function sandboxFor({ live, sandbox }: DemoOptions): Promise<SandboxKind> {
  const containers = process.env['MUSTER_CONTAINERS']
  if (live) return chooseSandbox(sandbox, containers)
  return chooseSandbox(sandbox, containers).catch((): SandboxKind => 'none')
}

function introduce(narrator: Narrator, options: DemoOptions, env: Readonly<Record<string, string>>): void {
  const releases = releaseStoryOf(options.story)
  narrator.say(
    releases
      ? `Muster, releases. ${releases.about}`
      : 'Muster, the whole journey: a bug in a small price service, from the issue to the watched release.',
  )
  const services =
    options.story === 'tiers' || releases ? 'GitHub is a local stand-in' : 'GitHub, Slack and Jira are local stand-ins'
  narrator.say(
    options.live
      ? `${services}; the model is the real one. Everything else is real.`
      : `${services}${releases && !releases.script ? '' : ', and the words of the model were recorded'}. Git, tests, database, queue, processes and probes are real.`,
  )
  if (options.databaseUrl)
    narrator.say(
      `A web process and two workers share a database of their own on your PostgreSQL${options.redisUrl ? ', and your Redis' : ''}.`,
    )
  if (env['MUSTER_SANDBOX'] === 'none')
    narrator.say(
      'No sandbox is used here (`npm run doctor` says why): the commands of the story run on this machine without isolation, in a temporary folder. A real server would refuse to start.',
    )
  narrator.say('')
}

async function play(
  stage: Stage,
  server: ServerChild,
  narrator: Narrator,
  options: DemoOptions,
  started: number,
): Promise<boolean> {
  const deps = {
    way: wayOf(options.story)(stage),
    stage,
    server,
    patienceMs: options.live ? LIVE_PATIENCE_MS : PATIENCE_MS,
    thinkMs: options.live ? 500 : 200,
    onStage: (name: string) => {
      const chapter = CHAPTERS[name]
      if (chapter)
        narrator.say(`
${chapter}`)
    },
  }
  let stopCustomers = () => {}
  let task: TaskView | undefined
  let outcome: string | undefined
  try {
    await playFirstRelease(deps)
    stopCustomers = playCustomers(stage.productionPort)
    task = (await playFix(deps)).task
  } catch (error) {
    if (!(error instanceof Stuck)) throw error
    outcome = error.message
    task = error.task ?? (await taskOf(server, { nth: 2 }))
  } finally {
    stopCustomers()
  }
  await settled(stage)
  if (server.restarts > 0) narrator.say(`The server died ${server.restarts} times on the way and was started again.`)
  const summary = await summarise(stage, task, outcome, {
    seconds: (Date.now() - started) / 1000,
    recorded: !options.live,
    kept: options.keep === true,
    conversation: stage.team && task ? await lookAtConversation(stage, server, task, options.story) : undefined,
  })
  narrator.progress('')
  narrator.summary(summary)
  if (!summary.ok) narrator.say(`The server's log: ${server.logFile}`)
  return summary.ok
}

/** The last edit of the status comment may still be on its way. */
async function settled(stage: Stage): Promise<void> {
  let seen = -1
  while (seen !== stage.world.ledger.length) {
    seen = stage.world.ledger.length
    await new Promise((done) => setTimeout(done, 2300))
  }
}

async function keepRunning(stage: Stage, server: ServerChild, narrator: Narrator): Promise<void> {
  narrator.say(
    `Everything keeps running. Press Ctrl-C to end it.\n  GitHub (rehearsal)  ${stage.github.url}\n${stage.team ? `  Slack (rehearsal)   ${stage.team.slack.url}\n  Jira (rehearsal)    ${stage.team.jira.url}\n` : ''}  Muster's API        ${server.url}/api/v1/tasks\n  The price service   http://127.0.0.1:${stage.productionPort}/quote?sku=bolt-m8&quantity=12\n  The server's log    ${server.logFile}`,
  )
  const forever = setInterval(() => {}, 60_000)
  await new Promise<void>((done) => {
    process.once('SIGINT', done)
    process.once('SIGTERM', done)
  })
  clearInterval(forever)
}
