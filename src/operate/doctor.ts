import { setupsIn } from '../channels/registry.ts'
import { githubClient, statusOf } from '../channels/github/client.ts'
import { readManifest } from '../channels/github/manifest.ts'
import { once } from '../core/once.ts'
import type { Check } from '../cli/doctor.ts'
import type { Finding } from '../core/finding.ts'
import { type GithubSettings, readSettings, type Settings, unusedVariables } from '../config/env.ts'
import type { Env } from '../core/environment.ts'
import { misnamedVariables } from '../config/services.ts'
import { isLocalUrl } from '../core/hosts.ts'
import { messageOf, UserError } from '../core/errors.ts'
import { titleOf } from '../core/said.ts'
import { missingProviders, neededProviders } from '../llm/needed.ts'
import { loadPlugins } from '../plugin/load.ts'
import { plugins } from '../plugin/register.ts'
import { chooseSandbox } from '../workspace/choose.ts'
import { findProgram } from '../workspace/programs.ts'
import { canFilter } from '../workspace/unshare.ts'
import { openQueue } from '../queue/bullmq.ts'
import type { Queue } from '../queue/types.ts'
import { openChannels } from '../channels/connected.ts'
import { appStore, type StoredApp } from './app.ts'
import { openStorage } from './storage.ts'
import type { SandboxKind } from '../workspace/types.ts'

type Answer = Omit<Finding, 'name'>

const ok = (detail: string): Answer => ({ state: 'ok', detail })
const warning = (detail: string, fix: string): Answer => ({ state: 'warning', detail, fix })
const broken = (detail: string, fix: string): Answer => ({ state: 'problem', detail, fix })

/** Everything Muster needs, looked at one by one. */
export async function doctorChecks(env: Env): Promise<Check[]> {
  let settings: Settings
  try {
    await loadPlugins(env)
    settings = readSettings(env)
  } catch (error) {
    const detail = error instanceof UserError ? error.message : String(error)
    const hint =
      (error instanceof UserError ? error.hint : undefined) ??
      'Mend these variables (see .env.example), then run the doctor again.'
    return [
      {
        name: 'settings',
        run: async () => broken(detail, hint),
      },
    ]
  }
  return [
    { name: 'settings', run: async () => settingsAnswer(env) },
    { name: 'database and queue', run: () => databaseAnswer(settings) },
    {
      name: 'git',
      run: async () =>
        findProgram('git') ? ok('found') : broken('git is not installed', 'Install git (`apt install git`).'),
    },
    { name: 'sandbox', run: () => sandboxAnswer(settings) },
    { name: 'GitHub App', run: () => githubAnswer(settings) },
    { name: 'webhook address', run: () => webhookAnswer(settings) },
    ...modelChecks(settings),
    ...pluginChecks(),
    ...channelChecks(settings),
  ]
}

/** The channels that are switched on: whether the token is accepted, and whether the vendor still sends its events. */
function channelChecks({ channels: settings, server }: Settings): Check[] {
  const opened = once(() =>
    openChannels({
      settings,
      publicUrl: server.publicUrl,
      reading: { redact: (text) => text },
      installs: undefined,
      leases: { acquire: () => Promise.resolve(undefined) },
      warn: () => {},
    }),
  )
  return setupsIn(settings)
    .filter(({ isFixed }) => isFixed)
    .map(({ name }) => ({
      name: titleOf(name),
      async run() {
        const channel = await (await opened()).of(name, '')
        if (!channel) return ok('switched off')
        try {
          const who = await channel.whoami()
          // What it mends on the way is no trouble any more.
          const wrong = (await channel.tend?.(Date.now()))?.find(({ isWrong }) => isWrong)
          return wrong ? broken(wrong.text, `See docs/${name}.md.`) : ok(who)
        } catch (error) {
          return broken(messageOf(error), `Check the settings of ${titleOf(name)} (docs/${name}.md) and the network.`)
        }
      },
    }))
}

/** Whoever is looked for in a failure should know that they are there. */
function pluginChecks(): Check[] {
  const names = plugins().map(({ name }) => name)
  const what = `${names.join(', ')}: loaded. What they do is done with this server's rights`
  return names.length > 0 ? [{ name: 'plug-ins', run: async () => ok(what) }] : []
}

function settingsAnswer(env: Env): Answer {
  const misnamed = misnamedVariables(env)
  if (misnamed.length > 0)
    return warning(
      `valid, but nothing reads ${misnamed.map(({ name }) => name).join(', ')}`,
      misnamed.map(({ name, meant }) => `Was ${meant} meant by ${name}?`).join(' '),
    )
  const unused = unusedVariables(env)
  return unused.length > 0
    ? warning(`valid; this version does not use ${unused.join(', ')}`, 'Remove them, or ignore this.')
    : ok('valid')
}

async function databaseAnswer(settings: Settings): Promise<Answer> {
  const what = settings.databaseUrl ? 'PostgreSQL' : `embedded in ${settings.dataDir}`
  try {
    const storage = await openStorage(settings)
    try {
      await storage.store.ping()
      const queue = await openQueue({
        carrier: storage.carrier,
        instance: 'doctor',
        now: storage.store.now,
        log: () => {},
      })
      try {
        return await queueAnswer(settings, queue, what)
      } finally {
        await queue.close(1000)
      }
    } finally {
      await storage.close()
    }
  } catch (error) {
    if (error instanceof UserError && error.code === 'data_locked') return ok(`${what}, in use by the running server`)
    return broken(
      `${what}: ${error instanceof Error ? error.message : String(error)}`,
      settings.databaseUrl ? 'Check DATABASE_URL and that the server runs.' : 'Check the folder and its permissions.',
    )
  }
}

async function queueAnswer({ redisUrl }: Settings, queue: Queue, what: string): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      await queue.ping()
      return ok(`${what}, migrated; the queue is on ${redisUrl ? 'Redis' : 'the database'}`)
    } catch (error) {
      if (attempt < 20) await new Promise((done) => setTimeout(done, 100))
      else
        return broken(
          `Redis: ${error instanceof Error ? error.message : String(error)}`,
          'Check REDIS_URL and that Redis runs there. Events are kept meanwhile; nothing is worked on.',
        )
    }
  }
}

const BETTER = 'Install bubblewrap (`apt install bubblewrap`): it is preferred as soon as it is there.'

/** What there is to say of each sandbox that works. */
const SANDBOX_ANSWERS: Readonly<Record<SandboxKind, () => Answer>> = {
  bubblewrap: () => ok('bubblewrap works'),
  unshare() {
    const works = 'util-linux (unshare) works: the same walls as bubblewrap’s'
    return canFilter()
      ? ok(`${works}, and the same filter of system calls`)
      : warning(`${works}, but weaker: system calls are not filtered, for there is no perl to set the filter`, BETTER)
  },
  container: () =>
    ok('containers work: the same walls as bubblewrap’s, and a quarter of a second more for each command'),
  none: () =>
    warning('MUSTER_SANDBOX=none: what a model writes runs without isolation', 'Unset it, and install bubblewrap.'),
}

async function sandboxAnswer({ sandbox, containers }: Settings): Promise<Answer> {
  try {
    return SANDBOX_ANSWERS[await chooseSandbox(sandbox, containers)]()
  } catch (error) {
    const hint = error instanceof UserError ? error.hint : undefined
    return broken(messageOf(error), hint ?? BETTER)
  }
}

async function githubAnswer(settings: Settings): Promise<Answer> {
  if (settings.github) return appAnswer(settings, settings.github)
  const stored = await registered(settings)
  if (stored === 'in use')
    return warning(
      'what the set-up page registered cannot be looked at while the server runs on the embedded database',
      'Ask the server itself: its `/readyz`, and its first page.',
    )
  return stored
    ? appAnswer(settings, stored)
    : broken(
        'there is none: APP_ID, PRIVATE_KEY and WEBHOOK_SECRET are not set, and none was registered by the set-up page',
        'Start the server (`npm start`) and open the address that it prints: a page registers one.',
      )
}

/** The app that the set-up page registered. @throws UserError where it cannot be opened */
async function registered(settings: Settings): Promise<StoredApp | 'in use' | undefined> {
  try {
    const storage = await openStorage(settings)
    try {
      const { instance } = storage.store
      return await appStore(instance, settings.secretKey, settings.previous['MUSTER_SECRET_KEY']).load()
    } finally {
      await storage.close()
    }
  } catch (error) {
    if (error instanceof UserError && error.code === 'data_locked') return 'in use'
    throw error
  }
}

async function appAnswer(settings: Settings, github: GithubSettings): Promise<Answer> {
  const client = githubClient({ ...github, apiUrl: settings.githubUrls.api, serverUrl: settings.githubUrls.server })
  try {
    const { data: app } = await client.app.request('GET /app')
    const wanted = readManifest(new URL('../../app.yml', import.meta.url))
    const given = new Map(Object.entries(app?.permissions ?? {}))
    const missing = Object.entries(wanted.default_permissions).filter(
      ([name, level]) => given.get(name) !== level && given.get(name) !== 'write',
    )
    const events = wanted.default_events.filter((event) => !app?.events?.includes(event))
    if (missing.length > 0 || events.length > 0) {
      const list = [
        ...missing.map(([name, level]) => `permission ${name}: ${level}`),
        ...events.map((event) => `event ${event}`),
      ].join(', ')
      return broken(
        `${app?.name ?? 'the app'} lacks: ${list}`,
        `Add them at ${settings.githubUrls.server}/settings/apps/${app?.slug ?? ''}/permissions, then accept the change in each installation.`,
      )
    }
    return ok(`${app?.name ?? 'known'}, with the permissions and events it needs`)
  } catch (error) {
    if (statusOf(error) === 401 || statusOf(error) === 404)
      return broken('GitHub does not accept the credentials', 'Check that APP_ID and the private key belong together.')
    return broken(`GitHub cannot be reached at ${settings.githubUrls.api}`, 'Check the network, or GITHUB_API_URL.')
  }
}

async function webhookAnswer(settings: Settings): Promise<Answer> {
  const { server } = settings
  const stored = settings.github ? undefined : await registered(settings).catch(() => undefined)
  const webhookProxy = server.webhookProxy ?? (typeof stored === 'object' ? stored.webhookProxy : undefined)
  const url = `${server.publicUrl}/api/github/webhooks`
  if (webhookProxy !== undefined)
    return warning(
      `webhooks are fetched from ${webhookProxy}`,
      'Whoever knows that address can read them. For a team, set MUSTER_PUBLIC_URL and the webhook address of the GitHub App.',
    )
  if (isLocalUrl(server.publicUrl))
    return warning(
      `${url} can be reached from this machine only`,
      'Set MUSTER_PUBLIC_URL to the address under which GitHub reaches this server.',
    )
  return server.publicUrl.startsWith('https:')
    ? ok(url)
    : warning(`${url} is not encrypted`, 'Put a TLS proxy in front and set MUSTER_PUBLIC_URL to its https address.')
}

/** The providers of the models that were chosen: whether they answer, and whether it is known what they cost. */
function modelChecks({ providers, models, scriptFile }: Settings): Check[] {
  if (scriptFile)
    return [
      {
        name: 'model',
        run: async () =>
          warning(`answers come from the story ${scriptFile}`, 'Unset MUSTER_SCRIPT to use a real model.'),
      },
    ]
  const needed = neededProviders({ models })
  const missing = missingProviders({ models, providers }).map(({ name }) => name)
  return needed.map(({ name, title, needs }) => ({
    name: needed.length === 1 ? 'model' : `model (${title})`,
    async run() {
      const found = await providers.get(name)?.look()
      if (found) return found
      return missing.includes(name)
        ? broken(`${needs} is not set`, 'Get a key from your model provider and set it.')
        : warning(`${needs} is not set, so nobody falls back on it`, 'Set it, or take its models out of MUSTER_MODELS.')
    },
  }))
}
