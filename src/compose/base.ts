import { setupsIn } from '../channels/registry.ts'
import type { Env } from '../core/environment.ts'
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { type GithubSettings, readSettings, type Settings, unusedVariables } from '../config/env.ts'
import { proxySecrets, useProxies } from '../config/proxies.ts'
import { UserError } from '../core/errors.ts'
import { hashOf } from '../core/hash.ts'
import { misnamedVariables } from '../config/services.ts'
import { metricsSecrets } from '../releases/prometheus/client.ts'
import { deploySecrets } from '../releases/secrets.ts'
import { redactor } from '../core/redact.ts'
import { missingProviders } from '../llm/needed.ts'
import { loadPlugins } from '../plugin/load.ts'
import { openQueue } from '../queue/bullmq.ts'
import type { Queue } from '../queue/types.ts'
import type { Store } from '../store/types.ts'
import { createLog, type Log } from '../telemetry/log.ts'
import { chooseSandbox } from '../workspace/choose.ts'
import { appStore, type StoredApp } from '../operate/app.ts'
import { type OpenedInstalls, openInstalls } from './installers.ts'
import { openStorage, type Storage } from '../operate/storage.ts'
import { apiTokenOf, tokenFile } from '../operate/token.ts'

/** What every kind of process has. */
export interface Base {
  /** What the settings were read from; processes of this one read the same. */
  readonly env: Env
  readonly settings: Settings
  readonly version: string
  readonly log: Log
  readonly redact: (text: string) => string
  readonly storage: Omit<Storage, 'carrier'>
  readonly queue: Queue
  readonly markerKey: string
  /** What the API wants; undefined: it answers this machine alone. */
  readonly apiToken: string | undefined
  /** Where Muster was installed by consent; undefined: no app is set up for it. */
  readonly installs: OpenedInstalls | undefined
  /** The GitHub App of the settings, or the one that the set-up page stored. */
  app(): Promise<StoredApp | undefined>
  storeApp(app: StoredApp): Promise<void>
  close(): Promise<void>
}

type Stored = Pick<Base, 'storage' | 'queue'>

/**
 * Opens what every kind of process needs.
 * @param elsewhere the database and the queue of another process (`apart`)
 * @throws UserError listing what is wrong with the settings, or `no_plugin` or `bad_plugin` about a plug-in that they name, or `no_sandbox` where nothing isolates commands that it is to run
 */
export async function openBase(
  env: Env,
  version: string,
  kind: 'start' | 'web' | 'worker' | 'apart',
  elsewhere?: Stored,
): Promise<Base> {
  await loadPlugins(env)
  const read = readSettings(env)
  if (kind !== 'start' && !elsewhere && !read.databaseUrl)
    throw new UserError(
      'needs_database',
      `\`muster ${kind}\` wants DATABASE_URL: the embedded database belongs to one process.`,
      {
        hint: 'Set DATABASE_URL (and REDIS_URL), or run `muster start`, which is everything in one.',
      },
    )
  // Whoever is to run commands is not begun where they cannot be kept in.
  const works = kind === 'start' || kind === 'worker'
  useProxies(env)
  const settings = works ? { ...read, sandbox: await chooseSandbox(read.sandbox, read.containers) } : read
  const secrets = [...secretsOf(settings), ...proxySecrets(env), ...deploySecrets(env), ...metricsSecrets(env)]
  let redact = redactor(secrets)
  const log = createLog({ level: settings.logLevel, redact: (text) => redact(text), pretty: process.stdout.isTTY })
  if (!elsewhere) for (const warning of warnings(env, settings)) log.warn(warning)
  const { storage, queue } = elsewhere ?? (await openStored(settings, log))
  const { instance } = storage.store
  const markerKey = await markerKeyOf(storage.store)
  const learned = new Set<string>()
  const hide = (...found: readonly string[]) => {
    if (found.every((one) => learned.has(one))) return
    for (const one of found) learned.add(one)
    redact = redactor([...secrets, ...learned])
  }
  const learn = (app: StoredApp | undefined) => {
    if (app) hide(...keyParts(app))
    return app
  }
  const apps = appStore(instance, settings.secretKey, settings.previous['MUSTER_SECRET_KEY'])
  const { publicUrl } = settings.server
  const apiToken = kind === 'worker' || elsewhere ? undefined : await apiTokenOf(settings, instance)
  if (apiToken) hide(apiToken)
  if (apiToken && !settings.server.apiToken)
    log.info(
      `the API wants a token, which was made: it stands in ${tokenFile(settings.dataDir)} (or set MUSTER_API_TOKEN)`,
    )
  const installs = await openInstalls(
    settings.channels,
    settings.previous['MUSTER_SECRET_KEY'],
    publicUrl,
    storage.store,
    (secret) => hide(secret),
  )
  return {
    env,
    settings,
    version,
    log,
    redact: (text) => redact(text),
    storage,
    queue,
    markerKey,
    apiToken,
    installs,
    app: async () => learn(settings.github ?? (await apps.load())),
    async storeApp(app) {
      await apps.save(app)
      learn(app)
    },
    async close() {
      await queue.close(5000)
      await storage.close()
    },
  }
}

async function openStored(settings: Settings, log: Log): Promise<Stored> {
  const storage = await openStorage(settings)
  const queue = await openQueue({
    carrier: storage.carrier,
    instance: hashOf(await markerKeyOf(storage.store)).slice(0, 12),
    now: storage.store.now,
    log: (level, message, fields = {}) => log[level](fields, message),
  })
  return { storage, queue }
}

/** The key of this installation, by which its own marks are known; made once. */
async function markerKeyOf({ instance }: Store): Promise<string> {
  return z.string().parse(await instance.setOnce('marker.key', randomBytes(32).toString('hex')))
}

/** What will not work, said before anybody waits for it. */
function warnings(env: Env, settings: Settings): string[] {
  const { scriptFile, sandbox, github } = settings
  return [
    ...misnamedVariables(env).map(({ name, meant }) => `${name} is set, but read is ${meant}: is that what was meant?`),
    ...unusedVariables(env).map((name) => `${name} is set, but this version does not use it`),
    ...(sandbox === 'none'
      ? ['MUSTER_SANDBOX=none: commands written by a model run on this machine without isolation']
      : []),
    ...(scriptFile
      ? []
      : missingProviders(settings).map(({ needs }) => `${needs} is not set: tasks will stop at their first step`)),
    ...(github && github.webhookSecret.length < 16 ? ['WEBHOOK_SECRET is short; a long random one is safer'] : []),
  ]
}

function secretsOf(settings: Settings): string[] {
  const single: (string | undefined)[] = [
    ...[...settings.providers.values()].flatMap(({ secrets }) => secrets),
    settings.server.apiToken,
    settings.github?.client?.secret,
    ...setupsIn(settings.channels).flatMap(({ secrets }) => secrets),
    settings.secretKey,
    ...settings.registries.map(({ authorization }) => authorization?.split(' ')[1]),
    ...Object.values(settings.previous),
    settings.databaseUrl ? new URL(settings.databaseUrl).password : undefined,
    settings.redisUrl ? new URL(settings.redisUrl).password : undefined,
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
