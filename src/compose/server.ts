import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { convertManifest, manifestFor, readManifest } from '../channels/github/manifest.ts'
import type { Running } from '../cli/types.ts'
import { type GithubSettings, readSettings, type Settings, unusedVariables } from '../config/env.ts'
import { messageOf, UserError } from '../core/errors.ts'
import { redactor } from '../core/redact.ts'
import { buildServer } from '../http/server.ts'
import { setupRoutes } from '../http/setup.ts'
import type { HttpDeps, Readiness } from '../http/types.ts'
import type { Store } from '../store/types.ts'
import { createLog, type Log } from '../telemetry/log.ts'
import { findProgram } from '../workspace/sandbox.ts'
import { openStorage } from './storage.ts'
import { startWorkers, type Workers } from './workers.ts'

const APP_FILE = new URL('../../app.yml', import.meta.url)
const APP_KEY = 'github.app'
const READY_MS = 5000

/** The credentials that the set-up page stored. */
const StoredApp = z.object({
  appId: z.string(),
  privateKey: z.string(),
  webhookSecret: z.string(),
  slug: z.string().optional(),
})
type StoredApp = z.infer<typeof StoredApp>

/** Starts the server: database, workers (once an app is set up), HTTP. @throws UserError listing what is wrong with the settings */
export async function startServer(
  env: Readonly<Record<string, string | undefined>>,
  version: string,
): Promise<Running> {
  const settings = readSettings(env)
  const secrets = secretsOf(settings)
  let redact = redactor(secrets)
  const log = createLog({ level: settings.logLevel, redact: (text) => redact(text), pretty: process.stdout.isTTY })
  for (const name of unusedVariables(env)) log.warn(`${name} is set, but this version does not use it`)
  for (const warning of warnings(settings)) log.warn(warning)
  const storage = await openStorage(settings)
  const { store } = storage
  let app: (GithubSettings & { slug?: string | undefined }) | undefined = settings.github ?? (await storedApp(store))
  const markerKey = z.string().parse(await store.instance.setOnce('marker.key', randomBytes(32).toString('hex')))
  let workers: Workers | undefined
  const activate = async (github: GithubSettings) => {
    redact = redactor([...secrets, ...keyParts(github)])
    workers = await startWorkers({ settings, github, storage, markerKey, log, redact: (text) => redact(text) })
  }
  const write: HttpDeps['log'] = (level, message, fields = {}) => log[level](fields, message)
  const setupCode = randomBytes(12).toString('hex')
  const server = await buildServer(
    {
      store,
      version,
      log: write,
      apiToken: settings.server.apiToken,
      verifier: () => workers?.verifier,
      onArrival: async (id) => workers?.onArrival(id),
      startTask: async (...args) => workers?.startTask(...args),
      releaseLog: async (id) => (await workers?.releaseLog(id)) ?? '',
      readiness: () => readiness(store, workers),
    },
    [
      setupRoutes({
        log: write,
        code: setupCode,
        serverUrl: settings.githubUrls.server,
        publicUrl: settings.server.publicUrl,
        app: () => app && { slug: app.slug },
        manifest: manifestFor(readManifest(APP_FILE), settings.server.publicUrl),
        convert: async (code) => {
          const made = await convertManifest(settings.githubUrls.api, code)
          const stored: StoredApp = {
            appId: String(made.id),
            privateKey: made.pem,
            webhookSecret: made.webhook_secret,
            slug: made.slug,
          }
          await store.instance.set(APP_KEY, stored)
          app = stored
          await activate(stored)
        },
      }),
    ],
  )
  if (app) await activate(app)
  await listen(server, settings)
  const address = server.server.address()
  const port = typeof address === 'object' && address ? address.port : settings.server.port
  void workers?.catchUp()
  announce(log, settings, port, app ? undefined : setupCode)
  return {
    port,
    async stop() {
      log.info('stopping')
      await server.close()
      await workers?.stop()
      await storage.close()
      log.info('stopped')
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

/** What will not work, said before anybody waits for it. */
function warnings(settings: Settings): string[] {
  const { anthropic, scriptFile, sandbox, server, github } = settings
  return [
    ...(sandbox === 'none'
      ? ['MUSTER_SANDBOX=none: commands written by a model run on this machine without isolation']
      : []),
    ...(sandbox === 'bubblewrap' && !findProgram('bwrap')
      ? ['bubblewrap is not installed: steps that run commands will be refused (apt install bubblewrap)']
      : []),
    ...(anthropic || scriptFile ? [] : ['ANTHROPIC_API_KEY is not set: tasks will stop at their first step']),
    ...(github && github.webhookSecret.length < 16 ? ['WEBHOOK_SECRET is short; a long random one is safer'] : []),
    ...(server.apiToken ? [] : ['MUSTER_API_TOKEN is not set: the API answers on the loopback address only']),
  ]
}

function announce(log: Log, settings: Settings, port: number, setupCode: string | undefined): void {
  log.info(
    { port, database: settings.databaseUrl ? 'postgresql' : 'embedded', sandbox: settings.sandbox },
    'Muster is up',
  )
  if (setupCode)
    log.info(
      `No GitHub App is set up yet. On this machine open http://localhost:${port}/ , from elsewhere ${settings.server.publicUrl}/?setup=${setupCode}`,
    )
}

function secretsOf(settings: Settings): string[] {
  const single: (string | undefined)[] = [
    settings.anthropic?.apiKey,
    settings.server.apiToken,
    settings.databaseUrl ? new URL(settings.databaseUrl).password : undefined,
  ]
  return [
    ...single.filter((secret): secret is string => secret !== undefined && secret !== ''),
    ...(settings.github ? keyParts(settings.github) : []),
  ]
}

/** A private key is known by its lines: any of them gives it away. */
function keyParts(github: GithubSettings): string[] {
  return [
    github.webhookSecret,
    ...github.privateKey.split('\n').filter((line) => line.length > 20 && !line.startsWith('-----')),
  ]
}

async function storedApp(store: Store): Promise<StoredApp | undefined> {
  const found = StoredApp.safeParse(await store.instance.get(APP_KEY))
  return found.success ? found.data : undefined
}

async function readiness(store: Store, workers: Workers | undefined): Promise<Readiness[]> {
  const check = async (name: string, action: () => Promise<unknown>): Promise<Readiness> => {
    try {
      await Promise.race([
        action(),
        new Promise((_, reject) =>
          setTimeout(() => reject(new Error(`no answer within ${READY_MS / 1000} s`)), READY_MS).unref(),
        ),
      ])
      return { name, ok: true, detail: 'ok' }
    } catch (error) {
      return { name, ok: false, detail: messageOf(error).slice(0, 200) }
    }
  }
  const missing: Readiness = { name: 'github', ok: false, detail: 'no GitHub App is set up yet: open / in a browser' }
  return [
    await check('database', store.ping),
    ...(workers ? [await check('queue', workers.ping), await check('github', workers.platform.self)] : [missing]),
  ]
}
