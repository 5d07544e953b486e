import { isAboutAccess, readAccess } from '../channels/github/granted.ts'
import { normalise } from '../channels/github/normalise.ts'
import type { GithubSettings } from '../config/env.ts'
import { defaultRepositorySettings } from '../config/repository.ts'
import type { Platform } from '../channels/types.ts'
import type { Task } from '../core/task/types.ts'
import { messageOf } from '../core/errors.ts'
import { bulkhead } from '../inbox/bulkhead.ts'
import { PERSON_LIMITS, personLimiter } from '../inbox/rate.ts'
import { sharedLimiter } from '../outbox/limiter.ts'
import type { InboxDeps } from '../inbox/scene.ts'
import { settingsUnder } from '../config/deploys.ts'
import { settingsSource } from '../inbox/settings.ts'
import { withBreaker } from '../llm/breaker.ts'
import { openProvider } from '../llm/provider.ts'
import { createRouter } from '../llm/router.ts'
import type { Picture } from '../llm/types.ts'
import { hashOf } from '../core/hash.ts'
import { handlerFor } from '../roles/registry.ts'
import type { OutcomeRow } from '../store/usage/types.ts'
import type { Store } from '../store/types.ts'
import { newId } from '../store/ids.ts'
import { isDatabaseDown } from '../store/sql.ts'
import { currentDelivery, type Log, withLogContext } from '../telemetry/log.ts'
import { pictureOf } from '../tools/pictures.ts'
import { toolsFor } from '../tools/tools.ts'
import { createEngine } from '../workflow/engine.ts'
import type { StepDeps } from '../workflow/steps.ts'
import type { Workflow } from '../workflow/types.ts'
import { type Adapters, after, sleep, type Stand } from './adapters.ts'
import type { Base } from './base.ts'
import { mappedIn, readersOf } from '../channels/connected.ts'
import { forgetIfGone } from '../installs/uninstalled.ts'

/** The engines of a process that works, over its adapters; whether it has the database itself or asks another process. */

type Write = (level: 'info' | 'warn' | 'error', message: string, fields?: Readonly<Record<string, unknown>>) => void

export function writerTo(log: Log): Write {
  return (level, message, fields = {}) => log[level](fields, message)
}

/** @param onCommit told after every commit, with the new state */
export function engineOf({ log, queue, storage: { store } }: Base, onCommit: (task: Task) => void): Workflow {
  return createEngine({
    store,
    queue,
    now: store.now,
    sleep,
    random: Math.random,
    cause: currentDelivery,
    isDown: isDatabaseDown,
    onCommit,
    log: writerTo(log),
  })
}

interface Parts {
  readonly base: Base
  readonly stand: Stand
}

export function stepDepsOf(
  { base, stand }: Parts,
  { git, releases, machine, platform }: Adapters,
  workflow: Workflow,
): StepDeps {
  const { settings, log, storage } = base
  const { store } = storage
  const write = writerTo(log)
  const onBreak = (name: string, open: boolean) =>
    write('warn', open ? 'a model provider is left alone for a while' : 'a model provider works again', {
      provider: name,
    })
  const { now } = store
  const nonceOf = (taskId: string) => hashOf([base.markerKey, 'nonce', taskId]).slice(0, 12)
  const provider = stand.provider
    ? withBreaker(stand.provider, { now, onChange: (open) => onBreak('stand', open) })
    : openProvider({ ...settings, now, onBreak })
  return {
    workflow,
    store,
    nonceOf,
    router: createRouter({
      provider,
      models: settings.models,
      prices: settings.prices,
      nonceOf,
      now,
      outcomes: settings.routing === 'outcome' ? outcomesOf(store, now) : undefined,
      answers: store.answers,
      onUnsummarised: ({ message }) =>
        write('warn', 'older work of a conversation could not be summarised', { error: message }),
      windowOf: (model) => settings.providers.get(model.provider)?.windowTokens,
      picturesOf: (model) => settings.providers.get(model.provider)?.pictures,
      onFallback: (from, to, error) =>
        write('warn', 'a model could not be asked, and another is', {
          model: `${from.provider}:${from.model}`,
          instead: `${to.provider}:${to.model}`,
          error: error.message,
        }),
    }),
    handlerFor: stand.handlerFor ?? handlerFor,
    toolsFor,
    git,
    releases,
    machine,
    picturesOf: async (task) => picturesOf(platform, task, write),
    isDown: isDatabaseDown,
    now: store.now,
    sleep,
    after,
    random: Math.random,
    log: write,
  }
}

/** What an issue shows. Without it the work goes on: its words are there. */
async function picturesOf(
  platform: Pick<Platform, 'pictures'>,
  { origin: { repository, number, body } }: Task,
  write: ReturnType<typeof writerTo>,
): Promise<readonly Picture[]> {
  if (number <= 0) return []
  const found = await platform.pictures(repository, number, body).catch((error: unknown) => {
    write('warn', 'the pictures of an issue could not be had', { error: messageOf(error) })
    return []
  })
  return found.map(pictureOf).flatMap((seen) => (typeof seen === 'string' ? [] : [seen.picture]))
}

const OUTCOME_DAYS = 90
const LOOKED_MS = 10 * 60_000

/** What came of the changes of the last months, looked up every few minutes. */
function outcomesOf({ usage }: Pick<Store, 'usage'>, now: () => number): () => Promise<readonly OutcomeRow[]> {
  let seen: { readonly at: number; readonly outcomes: Promise<readonly OutcomeRow[]> } | undefined
  return () => {
    if (!seen || seen.at + LOOKED_MS < now()) {
      // What cannot be looked up speaks for nobody.
      const outcomes = usage.outcomes(now() - OUTCOME_DAYS * 86_400_000).catch(() => [])
      seen = { at: now(), outcomes }
    }
    return seen.outcomes
  }
}

/** What becomes of what arrives, over the adapters. */
export function inboxDepsOf(
  { base, github, stand }: Parts & { readonly github: GithubSettings },
  { platform, channels }: Adapters,
  rest: Pick<InboxDeps, 'leases' | 'workflow' | 'environments' | 'apart' | 'kick'>,
): InboxDeps {
  const { settings, log, storage } = base
  const { store } = storage
  const { now } = store
  const failed = (error: unknown) =>
    log.error({ error: messageOf(error) }, 'an event that took long could not be handled')
  return {
    ...rest,
    bulkhead: bulkhead({ after, failed }),
    onboards: settings.onboards,
    store,
    platform,
    receiver: {
      read: (kind, body) => (isAboutAccess(kind) ? readAccess(kind, body) : normalise(kind, body, github.appId)),
    },
    ...readersOf(channels, settings.channels),
    mapped: (channel, projects) => mappedIn(settings.channels, channel, projects),
    uninstalled: (channel, account) =>
      forgetIfGone({ channels, installs: base.installs, log: writerTo(log) }, channel, account),
    githubUrl: settings.githubUrls.server,
    publicUrl: settings.server.publicUrl,
    linkUrl: (code) => `${settings.server.publicUrl}/link/${code}`,
    settings: settingsSource(platform, settingsUnder(settings.deploys), defaultRepositorySettings(), now),
    mayAsk: stand.unlimited
      ? async () => 'yes'
      : personLimiter(sharedLimiter(store.rates, () => PERSON_LIMITS, now).take),
    newId,
    now,
    random: Math.random,
    within: withLogContext,
    log: writerTo(log),
  }
}
