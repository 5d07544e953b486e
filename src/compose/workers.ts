import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type GithubClient, githubClient } from '../channels/github/client.ts'
import { redeliverMissed } from '../channels/github/deliveries.ts'
import { normalise } from '../channels/github/normalise.ts'
import { githubPlatform } from '../channels/github/platform.ts'
import { receive } from '../channels/github/receive.ts'
import { githubSender } from '../channels/github/send.ts'
import type { Platform, Verifier } from '../channels/types.ts'
import type { GithubSettings, Settings } from '../config/env.ts'
import { messageOf } from '../core/errors.ts'
import { defaultRepositorySettings, parseRepositorySettings } from '../config/repository.ts'
import { apiBody } from '../inbox/api.ts'
import { inboxHandler } from '../inbox/handle.ts'
import { personLimiter } from '../inbox/rate.ts'
import { settingsSource } from '../inbox/settings.ts'
import { openProvider } from '../llm/provider.ts'
import { createOutbox } from '../outbox/outbox.ts'
import { openQueue } from '../queue/bullmq.ts'
import { releaseEngine } from '../releases/engine.ts'
import { LocalTarget } from '../releases/local/target.ts'
import { handlerFor } from '../roles/registry.ts'
import { currentDelivery, type Log, withLogContext } from '../telemetry/log.ts'
import { toolsFor } from '../tools/tools.ts'
import { createEngine } from '../workflow/engine.ts'
import { recover } from '../workflow/recover.ts'
import { createStepRunner } from '../workflow/steps.ts'
import { hostGit } from '../workspace/git.ts'
import { openSandbox } from '../workspace/sandbox.ts'
import type { Remotes } from '../workspace/types.ts'
import type { Storage } from './storage.ts'

const SWEEP_MS = 30_000
const CATCH_UP_MS = 5 * 60_000
const now = () => Date.now()
const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))

export interface WorkerDeps {
  readonly settings: Settings
  readonly github: GithubSettings
  readonly storage: Storage
  readonly markerKey: string
  readonly log: Log
  readonly redact: (text: string) => string
}

/** Everything that works once a GitHub App is set up. */
export interface Workers {
  readonly verifier: Verifier
  readonly platform: Platform
  readonly releaseLog: (id: string) => Promise<string>
  onArrival(eventId: string): Promise<void>
  startTask(owner: string, name: string, issue: number, request: string): Promise<{ eventId: string } | undefined>
  ping(): Promise<void>
  /** Fetches what arrived while nobody listened; to be called once the server listens. */
  catchUp(): Promise<void>
  stop(): Promise<void>
}

/** The adapters, by the settings. */
function adapters({ settings, github, storage, log, redact }: WorkerDeps) {
  const { store } = storage
  const warn = (message: string, fields: Readonly<Record<string, unknown>>) => log.warn(fields, message)
  const dataDir = resolve(settings.dataDir)
  const client = githubClient({ ...github, apiUrl: settings.githubUrls.api, serverUrl: settings.githubUrls.server })
  const platform = githubPlatform(client)
  const git = hostGit(dataDir, remotesOf(client, settings.githubUrls.server), openSandbox(settings.sandbox))
  const sender = githubSender({
    client,
    git,
    self: platform.self,
    appId: github.appId,
    publicUrl: settings.server.publicUrl,
    redact,
  })
  const publicHost = new URL(settings.server.publicUrl).hostname
  const target = new LocalTarget({
    dir: dataDir,
    store: store.releases,
    host: settings.server.host,
    publicHost,
    redact,
    log: warn,
  })
  const releases = releaseEngine({ git, store: store.releases, target, now, sleep, log: warn })
  return { client, platform, git, sender, target, releases }
}

/** Git's way to GitHub: a token for one repository, for reading or for writing. */
function remotesOf(client: GithubClient, serverUrl: string): Remotes {
  return {
    remote: async (repository, access) => {
      const token = await client.token(repository, { contents: access })
      return {
        url: `${serverUrl}/${repository.owner}/${repository.name}.git`,
        authorization: `basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`,
      }
    },
  }
}

/** The engines, over the adapters. */
async function engines(deps: WorkerDeps, { platform, git, sender, releases }: ReturnType<typeof adapters>) {
  const { settings, github, storage, log, markerKey } = deps
  const { store } = storage
  const write = (level: 'info' | 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>> = {}) =>
    log[level](fields, message)
  const queue = await openQueue({
    pool: storage.queuePool,
    concurrency: { inbound: 8, step: 4, wake: 4 },
    exclusive: storage.exclusive,
    onError: (error) => log.warn({ error: error.message }, 'queue'),
  })
  const engine = createEngine({
    store,
    queue,
    now,
    cause: currentDelivery,
    onCommit: (task) => {
      outbox.kick()
      runner.reconcile(task)
    },
  })
  const outbox = createOutbox({ store, workflow: engine, sender, markerKey, now, random: Math.random, log: write })
  const runner = createStepRunner({
    workflow: engine,
    store,
    provider: openProvider(settings),
    models: settings.models,
    handlerFor,
    toolsFor,
    git,
    releases,
    setupNetwork: settings.setupNetwork,
    now,
    sleep,
    random: Math.random,
    log: write,
  })
  const handle = inboxHandler({
    store,
    workflow: engine,
    platform,
    receiver: { read: (kind, body) => normalise(kind, body, github.appId) },
    settings: settingsSource(platform, parseRepositorySettings, defaultRepositorySettings(), now),
    mayAsk: personLimiter(30, 10, now),
    newId: () => randomUUID(),
    now,
    log: write,
    kick: outbox.kick,
  })
  return { queue, engine, outbox, runner, handle }
}

/** Repeats something in the background; a failure is logged, and the next turn comes all the same. */
function every(
  ms: number,
  what: string,
  log: Log,
  action: () => Promise<unknown>,
): { now(): Promise<void>; stop(): void } {
  const turn = async () => {
    try {
      await action()
    } catch (error) {
      log.warn({ error: messageOf(error) }, what)
    }
  }
  const timer = setInterval(() => void turn(), ms)
  return { now: turn, stop: () => clearInterval(timer) }
}

export async function startWorkers(deps: WorkerDeps): Promise<Workers> {
  const { settings, github, storage, log } = deps
  const { store } = storage
  const outside = adapters(deps)
  const { client, platform, target } = outside
  // Clones of a process that ended: their steps begin with fresh ones.
  await rm(join(resolve(settings.dataDir), 'work'), { recursive: true, force: true })
  const { queue, engine, outbox, runner, handle } = await engines(deps, outside)
  await target.adopt()
  await recover({ store, queue, engine })
  await queue.start({
    inbound: async ({ eventId }) =>
      withLogContext({ delivery: (await store.inbox.get(eventId))?.event.deliveryId ?? eventId }, () =>
        handle(eventId),
      ),
    step: ({ taskId, step, attempt, delivery }) =>
      withLogContext({ task: taskId, step, ...(delivery ? { delivery } : {}) }, () =>
        runner.run(taskId, step, attempt),
      ),
    wake: ({ taskId, delivery }) =>
      withLogContext(
        { task: taskId, ...(delivery ? { delivery } : {}) },
        async () => void (await engine.apply(taskId, { type: 'quiet.over' })),
      ),
  })
  outbox.start()
  const isKnown = async (guid: string) =>
    (await store.inbox.list({ source: 'github', deliveryId: guid }, { limit: 1, cursor: undefined })).items.length > 0
  const sweeping = every(SWEEP_MS, 'sweep', log, () => recover({ store, queue, engine }))
  const catching = every(CATCH_UP_MS, 'missed deliveries could not be asked for', log, async () => {
    const asked = await redeliverMissed(client, isKnown, now())
    if (asked > 0) log.info({ asked }, 'asked GitHub for deliveries that were missed')
  })
  return {
    verifier: (headers, body) => receive(headers, body, github.webhookSecret),
    platform,
    releaseLog: (id) => target.log(id),
    onArrival: (eventId) => queue.add({ name: 'inbound', eventId }),
    async startTask(owner, name, issue, request) {
      const found = await platform.findIssue(owner, name, issue)
      if (!found) return undefined
      const { id } = await store.inbox.insert({
        source: 'api',
        deliveryId: randomUUID(),
        kind: 'task.start',
        body: apiBody({ ...found, request }),
      })
      await queue.add({ name: 'inbound', eventId: id })
      return { eventId: id }
    },
    ping: queue.ping,
    catchUp: catching.now,
    async stop() {
      sweeping.stop()
      catching.stop()
      await runner.stop()
      await outbox.stop()
      await queue.close(5000)
      await target.close(settings.releasesAtStop === 'stop')
    },
  }
}
