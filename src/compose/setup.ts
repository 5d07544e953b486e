import { setupsIn } from '../channels/registry.ts'
import { convertManifest, manifestFor, readManifest } from '../channels/github/manifest.ts'
import type { Platform } from '../channels/types.ts'
import { titleOf } from '../core/said.ts'
import { defaultRepositorySettings } from '../config/repository.ts'
import { messageOf } from '../core/errors.ts'
import { chosenModels, missingProviders } from '../llm/needed.ts'
import type { SetupDeps } from '../http/setup.ts'
import type { RunningFacts } from '../http/setup.pages.ts'
import type { StoredApp } from '../operate/app.ts'
import type { Base } from './base.ts'

const APP_FILE = new URL('../../app.yml', import.meta.url)
/** How long an answer of GitHub's is good for: the page may be opened by anybody, and as often as they like. */
const KEEP_MS = { installed: 60_000, otherwise: 3000 } as const

interface SetupParts {
  readonly base: Base
  readonly code: string
  readonly app: () => StoredApp | undefined
  readonly platform: () => Platform | undefined
  /** Begins to work with a new app. */
  readonly activate: (app: StoredApp) => Promise<void>
  readonly log: SetupDeps['log']
}

/** What the set-up page works with. */
export function setupDeps({ base, code, app, platform, activate, log }: SetupParts): SetupDeps {
  const { settings } = base
  const manifest = readManifest(APP_FILE)
  const isInstalled = rememberedAnswer(platform, base.storage.store.now, log)
  return {
    log,
    code,
    serverUrl: settings.githubUrls.server,
    publicUrl: settings.server.publicUrl,
    app: () => app() && { slug: app()?.slug },
    manifest: (hookUrl) => manifestFor(manifest, settings.server.publicUrl, hookUrl),
    proxy: settings.server.webhookProxy,
    openProxy: async () => (await import('../channels/github/proxy.ts')).newChannel(settings.smeeUrl),
    running: async () => factsOf(base, await isInstalled()),
    async convert(one, proxy) {
      const made = await convertManifest(settings.githubUrls.api, one)
      const { client_id: id, client_secret: secret } = made
      const stored: StoredApp = {
        appId: String(made.id),
        privateKey: made.pem,
        webhookSecret: made.webhook_secret,
        slug: made.slug,
        ...(id && secret ? { client: { id, secret } } : {}),
        ...(proxy ? { webhookProxy: proxy } : {}),
      }
      await base.storeApp(stored)
      await activate(stored)
    },
  }
}

function factsOf({ settings }: Base, installed: boolean | undefined): RunningFacts {
  const { scriptFile, models, channels } = settings
  const names = [...new Set(chosenModels({ models }).map(({ model }) => model))]
  return {
    installed,
    model: scriptFile ? 'a recorded story' : missingProviders(settings).length === 0 ? names.join(', ') : undefined,
    sandbox: settings.sandbox ?? 'chosen by each worker',
    channels: setupsIn(channels)
      .filter(({ isFixed }) => isFixed)
      .map(({ name }) => titleOf(name)),
    label: defaultRepositorySettings().label,
  }
}

/** Whether the app is installed anywhere; undefined where GitHub does not answer. */
function rememberedAnswer(platform: () => Platform | undefined, now: () => number, log: SetupDeps['log']) {
  let known: { readonly until: number; readonly answer: Promise<boolean | undefined> } | undefined
  const ask = async () => {
    try {
      return ((await platform()?.repositories(1)) ?? []).length > 0
    } catch (error) {
      log('warn', 'whether the app is installed is not known', { error: messageOf(error) })
      return undefined
    }
  }
  return async () => {
    if (!known || known.until <= now()) {
      const answer = ask()
      known = { until: now() + KEEP_MS.otherwise, answer }
      if (await answer) known = { until: now() + KEEP_MS.installed, answer }
    }
    return known.answer
  }
}
