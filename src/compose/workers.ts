import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { githubClient } from '../channels/github/client.ts'
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
import { localTarget } from '../releases/local/target.ts'
import { handlerFor } from '../roles/registry.ts'
import { type Log, withLogContext } from '../telemetry/log.ts'
import { toolsFor } from '../tools/tools.ts'
import { createEngine } from '../workflow/engine.ts'
import { recover } from '../workflow/recover.ts'
import { createStepRunner } from '../workflow/steps.ts'
import { hostGit } from '../workspace/git.ts'
import { openSandbox } from '../workspace/sandbox.ts'
import type { Storage } from './storage.ts'

const SWEEP_MS = 30_000
const CATCH_UP_MS = 5 * 60_000
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

export async function startWorkers(deps: WorkerDeps): Promise<Workers> {
  const { settings, github, storage, log, redact } = deps
  const { store } = storage
  const write = (level: 'info' | 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>> = {}) =>
    log[level](fields, message)
  const now = () => Date.now()
  const client = githubClient({ ...github, apiUrl: settings.githubUrls.api, serverUrl: settings.githubUrls.server })
  const platform = githubPlatform(client)
  const sandbox = openSandbox(settings.sandbox)
  const dataDir = resolve(settings.dataDir)
  const remotes = {
    remote: async (
      repository: Parameters<typeof client.token>[0] & { owner: string; name: string },
      access: 'read' | 'write',
    ) => {
      const token = await client.token(repository, { contents: access })
      return {
        url: `${settings.githubUrls.server}/${repository.owner}/${repository.name}.git`,
        authorization: `basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`,
      }
    },
  }
  const git = hostGit(dataDir, remotes, sandbox)
  const sender = githubSender({
    client,
    git,
    self: platform.self,
    appId: github.appId,
    publicUrl: settings.server.publicUrl,
    redact,
  })
  const target = localTarget({
    dir: dataDir,
    store: store.releases,
    host: settings.server.host,
    publicHost: new URL(settings.server.publicUrl).hostname,
    redact,
    log: (message, fields) => write('warn', message, fields),
  })
  const releases = releaseEngine({
    git,
    store: store.releases,
    target,
    now,
    sleep,
    log: (message, fields) => write('warn', message, fields),
  })
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
    onCommit: (task) => {
      outbox.kick()
      runner.reconcile(task)
    },
  })
  const outbox = createOutbox({
    store,
    workflow: engine,
    sender,
    markerKey: deps.markerKey,
    now,
    random: Math.random,
    log: write,
  })
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
    now,
    log: write,
    kick: outbox.kick,
    settings: settingsSource(platform, parseRepositorySettings, defaultRepositorySettings(), now),
    mayAsk: personLimiter(30, 10, now),
    newId: () => randomUUID(),
  })
  await target.adopt()
  await recover({ store, queue, engine })
  await queue.start({
    inbound: async ({ eventId }) =>
      withLogContext({ delivery: (await store.inbox.get(eventId))?.event.deliveryId ?? eventId }, () =>
        handle(eventId),
      ),
    step: ({ taskId, step, attempt }) =>
      withLogContext({ task: taskId, step }, () => runner.run(taskId, step, attempt)),
    wake: ({ taskId }) =>
      withLogContext({ task: taskId }, async () => void (await engine.apply(taskId, { type: 'quiet.over' }))),
  })
  outbox.start()
  const sweeper = setInterval(
    () => void recover({ store, queue, engine }).catch((error: unknown) => log.warn({ error: String(error) }, 'sweep')),
    SWEEP_MS,
  )
  const catchUp = async () => {
    try {
      const asked = await redeliverMissed(
        client,
        async (guid) =>
          (await store.inbox.list({ source: 'github', deliveryId: guid }, { limit: 1, cursor: undefined })).items
            .length > 0,
        now(),
      )
      if (asked > 0) log.info({ asked }, 'asked GitHub for deliveries that were missed')
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'missed deliveries could not be asked for')
    }
  }
  const catcher = setInterval(() => void catchUp(), CATCH_UP_MS)
  return {
    verifier: (headers, body) => receive(headers, body, github.webhookSecret),
    platform,
    releaseLog: target.log,
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
    catchUp,
    async stop() {
      clearInterval(sweeper)
      clearInterval(catcher)
      await runner.stop()
      await outbox.stop()
      await queue.close(5000)
      await target.close(settings.releasesAtStop === 'stop')
    },
  }
}
