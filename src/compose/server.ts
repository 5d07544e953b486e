import { chosenModels } from '../llm/needed.ts'
import { usageSince } from '../operate/usage.ts'
import { randomBytes, randomUUID } from 'node:crypto'
import { githubClient } from '../channels/github/client.ts'
import { githubPlatform } from '../channels/github/platform.ts'
import type { WebhookProxy } from '../channels/github/proxy.ts'
import { githubSignIn, type SignIn } from '../channels/github/oauth.ts'
import { looksSigned, receive } from '../channels/github/receive.ts'
import { either } from '../channels/either.ts'
import type { Socket } from '../channels/module.ts'
import { setupsIn } from '../channels/registry.ts'
import type { Platform, Verifier } from '../channels/types.ts'
import type { Running } from '../cli/types.ts'
import type { GithubSettings, Settings } from '../config/env.ts'
import { accountOf } from '../core/effecttable.ts'
import { messageOf, UserError } from '../core/errors.ts'
import { githubKey } from '../core/heard.ts'
import type { Arrival } from '../core/inbound.ts'
import { buildServer } from '../http/server.ts'
import { installRoutes } from '../http/install.ts'
import { linkRoutes } from '../http/link.ts'
import { setupRoutes } from '../http/setup.ts'
import type { HttpDeps } from '../http/types.ts'
import { apiBody } from '../inbox/api.ts'
import { arrivalRelay } from '../inbox/relay.ts'
import { ROLES } from '../core/roles.ts'
import { releaseLog } from '../releases/local/log.ts'
import { verifyExport } from '../store/export.ts'
import type { StoredApp } from '../operate/app.ts'
import type { Env } from '../core/environment.ts'
import { type Base, openBase } from './base.ts'
import type { Stand } from './adapters.ts'
import { readiness } from '../operate/readiness.ts'
import { setupDeps } from './setup.ts'
import { verifiersOf } from '../channels/verifiers.ts'
import { type Once, once } from './once.ts'
import type { startWorker, Worker } from './worker.ts'

/** How often a process without an app looks whether another has registered one. */
const APP_LOOK_MS = 2000

/** What the HTTP side does once an app is set up. */
interface Intake {
  readonly verifier: Verifier
  readonly platform: Platform
  readonly signIn: SignIn | undefined
}

/**
 * Starts a server: everything in one process, or the web side only.
 * @throws UserError listing what is wrong with the settings
 */
export async function startServer(
  env: Env,
  version: string,
  kind: 'start' | 'web' = 'start',
  stand?: Stand,
): Promise<Running> {
  const base = await openBase(env, version, kind)
  const { settings, log } = base
  let app: StoredApp | undefined
  let intake: Intake | undefined
  let worker: Worker | undefined
  let proxy: WebhookProxy | undefined
  const intakes = once(async (github: StoredApp) => {
    intake = intakeOf(settings, github, stand)
    proxy ??= await proxyOf(settings, github, server, deps.log)
    if (kind === 'start')
      worker = await workerOf({ base, github, kind, roles: ROLES.names(), ...(stand ? { stand } : {}) })
    app = github
  })
  const setupCode = randomBytes(12).toString('hex')
  const deps = httpDeps(
    base,
    () => intake,
    () => worker?.kick(),
  )
  const server = await buildServer(deps, [
    linkRoutes({
      log: deps.log,
      people: base.storage.store.people,
      onArrival: deps.onArrival,
      publicUrl: settings.server.publicUrl,
      signIn: () => intake?.signIn,
    }),
    installRoutes(installDeps(base, deps.log)),
    setupRoutes(
      setupDeps({
        base,
        code: setupCode,
        app: () => app,
        platform: () => intake?.platform,
        activate: intakes.begin,
        log: deps.log,
      }),
    ),
  ])
  const found = await base.app()
  if (found) await intakes.begin(found)
  await listen(server, settings)
  const address = server.server.address()
  const port = typeof address === 'object' && address ? address.port : settings.server.port
  const looking = lookForApp(base, intakes)
  void worker?.catchUp()
  const sockets = socketsOf(base, deps)
  for (const socket of sockets) await socket.start()
  announce(base, kind, port, app ? undefined : setupCode)
  return {
    port,
    setupUrl: app ? undefined : setupUrl(port, setupCode),
    async stop() {
      log.info('stopping')
      looking()
      await intakes.end()
      await proxy?.stop()
      for (const socket of sockets) await socket.stop()
      await server.close()
      await worker?.stop()
      await base.close()
      log.info('stopped')
    },
  }
}

/**
 * Another process may show the set-up page: this one hears of the app through the database. What failed to begin is begun
 * again. @returns what ends it
 */
function lookForApp(base: Base, work: Once<StoredApp>): () => void {
  const look = async () => {
    if (work.isBegun()) return clearInterval(timer)
    try {
      const app = await base.app()
      if (app) await work.begin(app)
    } catch (error) {
      base.log.warn({ error: messageOf(error) }, 'the work could not begin yet')
    }
  }
  const timer = setInterval(() => void look(), APP_LOOK_MS)
  timer.unref()
  return () => clearInterval(timer)
}

function intakeOf(settings: Settings, github: GithubSettings, stand: Stand | undefined): Intake {
  const urls = { apiUrl: settings.githubUrls.api, serverUrl: settings.githubUrls.server }
  const client = githubClient({ ...github, ...urls })
  return {
    verifier: {
      looksSigned,
      receive: (headers, body) =>
        either([github.webhookSecret, settings.previous['WEBHOOK_SECRET']], (secret) => receive(headers, body, secret)),
    },
    platform: stand?.platform ?? githubPlatform(client),
    signIn: github.client && githubSignIn({ clientId: github.client.id, clientSecret: github.client.secret, ...urls }),
  }
}

function httpDeps(base: Base, intake: () => Intake | undefined, wake: () => void): HttpDeps {
  const { storage, queue, settings, version, log, redact, apiToken } = base
  const { store } = storage
  const verifiers = verifiersOf(settings.channels, settings.previous, base.installs)
  const onArrival = arrivalRelay(queue, store.now, (level, message, fields) => log[level](fields, message))
  return {
    store,
    version,
    log: (level, message, fields = {}) => log[level](fields, message),
    usage: (since) => usageSince(store, chosenModels(settings), settings.prices, since),
    apiTokens: [apiToken, settings.previous['MUSTER_API_TOKEN']].filter((one) => one !== undefined),
    publicUrl: settings.server.publicUrl,
    installing: installingOf(base),
    verifier: (source) => (source === 'github' ? intake()?.verifier : verifiers[source]),
    onArrival,
    wake,
    verify: verifyExport,
    dump: storage.dump,
    async startTask(owner, name, issue, request) {
      const found = await intake()?.platform.findIssue(owner, name, issue)
      if (!found) return undefined
      const account = accountOf(found.repository.installationId)
      const { id } = await store.inbox.insert({
        source: 'api',
        deliveryId: randomUUID(),
        kind: 'task.start',
        body: apiBody({ ...found, request }),
        lane: githubKey(found.repository.id, issue),
        account,
      })
      await onArrival(id, { account, lane: githubKey(found.repository.id, issue) })
      return { eventId: id }
    },
    releaseLog: (id) => releaseLog(settings.dataDir, id, redact),
    readiness: () => readiness(base, intake()?.platform),
  }
}

function installingOf({ settings, installs }: Base): HttpDeps['installing'] {
  const key = settings.channels.secretKey
  if (!installs || !key) return undefined
  return { secretKey: key, isSetUp: (channel) => installs.installers[channel] !== undefined, forget: installs.forget }
}

function installDeps({ settings, installs, storage }: Base, log: HttpDeps['log']): Parameters<typeof installRoutes>[0] {
  const { instance, now } = storage.store
  return {
    log,
    publicUrl: settings.server.publicUrl,
    secretKey: settings.channels.secretKey,
    authorizeUrl: (channel, state, redirectUri) => installs?.installers[channel]?.authorizeUrl(state, redirectUri),
    connect: async (channel, code, redirectUri) => (await installs?.connect(channel, code, redirectUri)) ?? [],
    // Whoever sets it first has used it.
    useOnce: async (nonce) => {
      const mine = randomUUID()
      return (await instance.setOnce(`install.used.${nonce}`, mine)) === mine
    },
    now,
  }
}

/** GitHub's webhooks from a channel, where this server is not reached. They come in by the same door. */
async function proxyOf(
  settings: Settings,
  app: StoredApp,
  server: Awaited<ReturnType<typeof buildServer>>,
  log: HttpDeps['log'],
): Promise<WebhookProxy | undefined> {
  const source = settings.server.webhookProxy ?? app.webhookProxy
  if (source === undefined) return undefined
  const deliver = async (headers: Readonly<Record<string, string>>, body: string) => {
    const answer = await server.inject({ method: 'POST', url: '/api/github/webhooks', headers, payload: body })
    return answer.statusCode
  }
  const { webhookProxy } = await import('../channels/github/proxy.ts')
  return webhookProxy({ source, deliver, log })
}

/** Events that come over connections that we open, where that is set. */
function socketsOf({ settings, storage }: Base, { onArrival, log }: HttpDeps): readonly Socket[] {
  const store = async (arrival: Arrival) => {
    const { id, duplicate } = await storage.store.inbox.insert(arrival)
    if (!duplicate) void onArrival(id, arrival)
  }
  return setupsIn(settings.channels).flatMap(({ socket }) => socket?.({ store, log }) ?? [])
}

/** Whatever only takes webhooks in does not carry what works on them. */
async function workerOf(deps: Parameters<typeof startWorker>[0]): Promise<Worker> {
  return (await import('./worker.ts')).startWorker(deps)
}

/** Starts a worker; it answers no HTTP. */
export async function startWorkerProcess(
  env: Env,
  version: string,
  roles: Parameters<typeof startWorker>[0]['roles'],
  stand?: Stand,
): Promise<Running> {
  const base = await openBase(env, version, 'worker')
  let worker: Worker | undefined
  const work = once(async (github: StoredApp) => {
    worker = await workerOf({ base, github, kind: 'worker', roles, ...(stand ? { stand } : {}) })
    base.log.info({ roles: roles.join(',') }, 'the worker is up')
    void worker.catchUp()
  })
  const found = await base.app()
  if (found) await work.begin(found)
  else base.log.info('waiting for a GitHub App to be set up')
  const looking = lookForApp(base, work)
  return {
    port: 0,
    async stop() {
      looking()
      base.log.info('stopping')
      await work.end()
      await worker?.stop()
      await base.close()
      base.log.info('stopped')
    },
  }
}

async function listen(
  server: Awaited<ReturnType<typeof buildServer>>,
  { server: { port, host } }: Settings,
): Promise<void> {
  try {
    await server.listen({ port, host })
  } catch (error) {
    throw new UserError('port_taken', `The port ${port} cannot be opened on ${host}: ${messageOf(error)}.`, {
      hint: 'Is another server running? Set PORT to another one.',
      cause: error,
    })
  }
}

function setupUrl(port: number, code: string): string {
  return `http://localhost:${port}/?setup=${code}`
}

function announce({ log, settings }: Base, kind: string, port: number, setupCode: string | undefined): void {
  log.info(
    {
      kind,
      port,
      database: settings.databaseUrl ? 'postgresql' : 'embedded',
      queue: settings.redisUrl ? 'redis' : 'database',
      sandbox: settings.sandbox,
    },
    'Muster is up',
  )
  if (setupCode)
    log.info(
      `No GitHub App is set up yet. On this machine open ${setupUrl(port, setupCode)} , from elsewhere ${settings.server.publicUrl}/?setup=${setupCode}`,
    )
}
