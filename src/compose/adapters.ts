import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { githubClient } from '../channels/github/client.ts'
import { awaiting } from '../channels/github/awaiting.ts'
import { shipments } from '../channels/github/shipments.ts'
import { workflowRuns } from '../channels/github/workflows.ts'
import { githubPlatform } from '../channels/github/platform.ts'
import { remotesOf } from '../channels/github/remotes.ts'
import { githubSender } from '../channels/github/send.ts'
import type { GithubSettings, Settings } from '../config/env.ts'
import { authorities, proxiesIn } from '../config/proxies.ts'
import type { Platform, Sender } from '../channels/types.ts'
import { settingsUnder } from '../config/deploys.ts'
import { defaultRepositorySettings } from '../config/repository.ts'
import { messageOf, UserError } from '../core/errors.ts'
import type { Repository } from '../core/task/types.ts'
import { settingsSource } from '../inbox/settings.ts'
import type { Reading } from '../core/reply/foreign.ts'
import type { Step } from '../core/task/types.ts'
import type { ModelProvider } from '../llm/types.ts'
import type { StepHandler } from '../roles/types.ts'
import type { ReleaseDeps, Target } from '../releases/types.ts'
import { toolsOf } from '../releases/tools.ts'
import { countedBy } from '../releases/prometheus/client.ts'
import { openTargets, targetsOf } from '../releases/registry.ts'
import { releaseEngine } from '../releases/engine.ts'
import type { Store } from '../store/types.ts'
import type { Log } from '../telemetry/log.ts'
import { hostGit } from '../workspace/git.ts'
import type { Leases } from '../leases/types.ts'
import type { Env } from '../core/environment.ts'
import { openChannels, senderTo } from '../channels/connected.ts'
import type { Installs } from '../installs/types.ts'
import { placeOfCheckouts } from '../workspace/place.ts'
import { machineOf } from '../operate/machine.ts'
import { sandboxOf } from '../operate/sandbox.ts'
import { groundAt } from '../roles/outfit.ts'
import type { Git, Machine } from '../workspace/types.ts'

/** Calls back once, unless that is taken back; keeps no process alive. */
export function after(ms: number, call: () => void): () => void {
  const timer = setTimeout(call, ms).unref()
  return () => clearTimeout(timer)
}
export const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))

/** What takes another's place where Muster's own engines are put to the test with more tasks than there are machines for. */
export interface Stand {
  readonly handlerFor?: (kind: Step['kind']) => StepHandler
  readonly provider?: ModelProvider
  readonly git?: Git
  readonly target?: Target
  readonly platform?: Platform
  readonly sender?: Sender
  /** The program that puts up this stand again, in a process of its own. */
  readonly program?: string
  /** The provider is our own, and has no limits. */
  readonly unlimited?: boolean
}

export interface AdapterDeps {
  readonly stand?: Stand | undefined
  readonly env: Env
  readonly settings: Settings
  readonly github: GithubSettings
  readonly store: Store
  /** Where this process alone keeps clones. */
  readonly workDir: string
  readonly log: Log
  readonly redact: (text: string) => string
  readonly installs: Installs | undefined
  readonly leases: Pick<Leases, 'acquire'>
  /** Where another process deploys: what stands for one of its targets here. */
  readonly targetOver?: (name: string, target: Target) => Target
}

/** Everything that reaches outside, by the settings. */
export async function openAdapters({
  stand = {},
  env,
  settings,
  github,
  store,
  workDir,
  log,
  redact,
  installs,
  leases,
  targetOver,
}: AdapterDeps) {
  const warn = (message: string, fields: Readonly<Record<string, unknown>>) => log.warn(fields, message)
  const { publicUrl, host } = settings.server
  const reading: Reading = {
    redact,
    failed: (error) =>
      log.error({ error: messageOf(error) }, 'something could not be shown as it was meant; its words are shown plain'),
  }
  const client = githubClient({ ...github, apiUrl: settings.githubUrls.api, serverUrl: settings.githubUrls.server })
  const platform = stand.platform ?? githubPlatform(client)
  const git =
    stand.git ??
    hostGit(
      workDir,
      { ...remotesOf(client, platform, settings.submodules), env: await wayOfGit(env, workDir) },
      sandboxOf(settings, env),
      // Workers on one machine share what set-ups left.
      { checkouts: placeOfCheckouts(workDir), kept: join(resolve(settings.dataDir), 'kept') },
    )
  const channels = await openChannels({ settings: settings.channels, publicUrl, reading, installs, leases, warn })
  const toGithub =
    stand.sender ?? githubSender({ client, git, self: platform.self, appId: github.appId, publicUrl, reading })
  const sender = senderTo(toGithub, channels, settings.channels, store.people)
  const publicHost = new URL(publicUrl).hostname
  const { now } = store
  const shared = {
    env,
    dir: resolve(settings.dataDir),
    store: store.releases,
    workflows: workflowRuns(client, platform),
    shipments: shipments(client, platform),
    awaiting: awaiting(client, platform),
    sandbox: sandboxOf(settings, env),
    host,
    publicHost,
    now,
    redact,
    log: warn,
  }
  const targets = stand.target ? targetsOf({ 'local-process': stand.target }) : await openTargets(shared, targetOver)
  const machine = machineOf(settings, env)
  const releases = releaseEngine({
    git,
    tools: toolsOn(git, machine),
    targets,
    facts: { standing: platform.standing, checks: platform.checks },
    settings: freshSettings(platform, settings, now),
    environments: store.environments,
    metrics: (environment, metrics, span) => countedBy(environment, metrics, span, { env, now: now() }),
    hold: leases.acquire.bind(leases),
    now,
    sleep,
    log: warn,
  })
  return { client, platform, channels, git, machine, sender, targets, releases }
}

/** Chosen as for the tests of that commit. What serves is no container, whatever those ran in. */
function toolsOn(git: Git, machine: Machine): ReleaseDeps['tools'] {
  return async ({ origin: { repository }, settings }, sha, commands) => {
    const checks = { ...settings.checks, image: undefined }
    return toolsOf((await groundAt({ git, machine, repository, sha, checks, commands })).outfit)
  }
}

/** A repository's settings, asked now. */
function freshSettings(platform: Platform, settings: Settings, now: () => number) {
  const source = settingsSource(platform, settingsUnder(settings.deploys), defaultRepositorySettings(), now)
  return async (repository: Repository) => {
    const loaded = await source.load(repository, true)
    if (loaded.ok) return loaded.settings
    throw new UserError('bad_settings', `${loaded.where} is not valid, so nothing is deployed by it.`)
  }
}

export type Adapters = Awaited<ReturnType<typeof openAdapters>>

/** Git asks through the same proxies and trusts the same authorities as this process does; it knows the names in small letters. */
async function wayOfGit(env: Env, workDir: string): Promise<Record<string, string>> {
  const { HTTP_PROXY: plain, HTTPS_PROXY: secure, NO_PROXY: none } = proxiesIn(env) ?? {}
  const proxies = {
    ...(plain ? { http_proxy: plain } : {}),
    ...(secure ? { https_proxy: secure } : {}),
    ...(none ? { no_proxy: none } : {}),
  }
  const pem = authorities(env)
  if (pem === undefined) return proxies
  const file = join(workDir, 'authorities.pem')
  await mkdir(workDir, { recursive: true })
  await writeFile(file, pem)
  return { ...proxies, GIT_SSL_CAINFO: file }
}
