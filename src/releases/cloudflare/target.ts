import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { causesOf, UserError } from '../../core/errors.ts'
import type { Sample } from '../../core/traffic.ts'
import { Lost } from '../../leases/types.ts'
import { Fenced } from '../../store/types.ts'
import { healthy } from '../local/health.ts'
import { releaseFolder, releaseLog } from '../local/log.ts'
import { built } from '../local/processes.ts'
import {
  begunRow,
  byLastServed,
  detailOf,
  KEEP_FAILED,
  KEEP_RELEASES,
  NO_SERVICE,
  observed,
  writeLive,
} from '../rows.ts'
import { secretsFor } from '../secrets.ts'
import { besideOf, mustBeLive, shareBeside, withPercent } from '../shares.ts'
import type {
  ApplyInput,
  Environment,
  Observed,
  PreflightInput,
  ReleaseRow,
  Restorable,
  RestoreInput,
  Target,
  TargetDeps,
  WeighInput,
} from '../types.ts'
import { workerAt } from '../workers/files.ts'
import { isInstalled, PROGRAMS } from '../workers/installed.ts'
import { bundled } from './bundle.ts'
import { cloudflareSettings } from './settings.ts'
import {
  type Account,
  accountOf,
  give,
  type Given,
  givenAt,
  migrationAt,
  shaOf,
  versionMessage,
  versionWith,
} from './api.ts'
import { type Upload, uploaded } from './wrangler.ts'

const PROBE_MS = 10_000
const AGAIN_MS = 500
/** So many answers in a row are an answer. */
const OKS = 3

/** A Worker on Cloudflare: a release is a version of it. Cloudflare divides the requests, and has each object run one version. */
export class CloudflareTarget implements Target {
  readonly #deps: TargetDeps

  constructor(deps: TargetDeps) {
    this.#deps = deps
  }

  url({ settings }: Environment): string {
    return cloudflareSettings(settings).url
  }

  /** As Cloudflare says; where two versions are given requests, the one that went live last. */
  async current(environment: Environment): Promise<string | undefined> {
    const account = accountOf(this.#deps, environment)
    const given = (await givenAt(account)).toSorted((a, b) => b.percent - a.percent)
    const live = await this.#deps.store.live(environment.repository, environment.name)
    const its = given.find(({ version }) => version === live?.command.version)
    const most = its ?? given[0]
    return most && shaOf(account, most.version)
  }

  async observe(id: string): Promise<Observed> {
    return observed(await this.#deps.store.get(id), 'unfinished')
  }

  log(id: string): Promise<string> {
    return releaseLog(this.#deps.dir, id, this.#deps.redact)
  }

  /** One version alone, where two are given requests. */
  async probe(environment: Environment, sha?: string): Promise<boolean> {
    if (sha === undefined) return this.#answers(environment, {})
    const { store } = this.#deps
    const live = await store.live(environment.repository, environment.name)
    const row = live?.sha === sha ? live : live && (await besideOf(store, live))
    if (row?.sha !== sha || row.command.version === undefined) return false
    const { worker } = accountOf(this.#deps, environment)
    return this.#answers(environment, overriding(worker, row.command.version))
  }

  #answers({ settings }: Environment, headers: Readonly<Record<string, string>>): Promise<boolean> {
    const { url, health } = cloudflareSettings(settings)
    return healthy(new URL(health, url), headers, PROBE_MS)
  }

  /** What Cloudflare counts is sampled, and told minutes later: nothing is judged by it. */
  async samples(): Promise<readonly Sample[]> {
    return []
  }

  async measuredSince(): Promise<undefined> {
    return undefined
  }

  /** Whether it can be deployed there, and what is done with everything at once. */
  async preflight({ environment, unpack, signal }: PreflightInput): Promise<readonly string[]> {
    const { config, section, secrets } = cloudflareSettings(environment.settings)
    secretsFor(environment, secrets, this.#deps.env)
    const fetched = isInstalled(this.#deps, 'wrangler')
      ? []
      : [`wrangler is fetched from npm first: ${PROGRAMS.wrangler.megabytes} MB`]
    const dir = await mkdtemp(join(tmpdir(), 'muster-worker-'))
    try {
      await unpack(dir)
      const { migration, raw } = (await workerAt(dir, { config, section })).worker
      const account = accountOf(this.#deps, environment)
      signal.throwIfAborted()
      if ((await givenAt(account)).length === 0)
        return [...fetched, `there is no Worker \`${account.worker}\` yet: it is made`]
      const isMoved = await this.#isMoved(account, migration)
      if (isMoved && environment.settings.policy?.canary) throw atOnce(migration)
      const moves =
        isMoved && migration ? [`the migration \`${migration}\` of its objects, for all of them at once`] : []
      const left = isMoved ? [] : leftOut(raw)
      return [...fetched, `a new version of \`${account.worker}\``, ...moves, ...left]
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  }

  /** Whether what objects have stored is made or changed: Cloudflare does that at once, together with the code. */
  async #isMoved(account: Account, migration: string | undefined): Promise<boolean> {
    return migration !== undefined && (await migrationAt(account)) !== migration
  }

  async apply(input: ApplyInput): Promise<void> {
    const { store } = this.#deps
    const { environment, releaseId: id, percent, signal } = input
    const live = await store.live(environment.repository, environment.name)
    const known = await store.get(id)
    const row = known ?? begunRow(input, { ...NO_SERVICE, ...shareBeside(live, percent) })
    try {
      const account = accountOf(this.#deps, environment)
      if (!known) await store.save(row)
      const made = row.command.version === undefined ? await this.#made(account, row, input) : row
      await this.#goLive(account, made, input)
    } catch (error) {
      // Stopped, or taken over: whoever goes on finds it unfinished.
      if (signal.aborted || error instanceof Lost || error instanceof Fenced) throw error
      await store.save({ ...((await store.get(id)) ?? row), status: 'failed', detail: detailOf(error) })
      throw error
    }
  }

  /** A version of it is on Cloudflare: uploaded once, whoever ends in between. @throws UserError */
  async #made(account: Account, row: ReleaseRow, input: ApplyInput): Promise<ReleaseRow> {
    const { environment, signal, mayAct, percent } = input
    const folder = releaseFolder(this.#deps.dir, row.id)
    const files = join(folder, 'files')
    await rm(folder, { recursive: true, force: true })
    await mkdir(files, { recursive: true, mode: 0o700 })
    const { build, config, section, main, env, secrets } = cloudflareSettings(environment.settings)
    const secret = secretsFor(environment, secrets, this.#deps.env)
    try {
      await built(this.#deps.dir, { ...row, dir: files }, { ...input, settings: environment.settings }, build, '')
      const bundle = await bundled(files, join(folder, 'upload'), { config, section, main }, env)
      const { migration } = bundle.worker
      const message = versionMessage(row.id, row.sha)
      const isFirst = (await givenAt(account)).length === 0
      const isMoved = isFirst || (await this.#isMoved(account, migration))
      if (isMoved && !isFirst && percent !== undefined) throw atOnce(migration)
      signal.throwIfAborted()
      // With everything at once it is live as soon as it is uploaded.
      if (isMoved) mayAct()
      const known = isFirst ? undefined : await versionWith(account, message)
      const secretsFile = join(folder, 'secrets.json')
      await writeFile(secretsFile, JSON.stringify(secret), { mode: 0o600 })
      const upload = { config: bundle.config, message, tag: row.sha.slice(0, 12), secrets: secretsFile }
      const version = known ?? (await this.#uploaded(account, upload, isMoved, signal))
      const made = { ...row, status: 'starting' as const, command: { ...row.command, version } }
      await this.#deps.store.save(made)
      return made
    } finally {
      for (const name of ['files', 'upload', 'secrets.json'])
        await rm(join(folder, name), { recursive: true, force: true })
    }
  }

  /** What is live with its upload is live also where something failed after that: then that alone is told, in its log. @throws UserError */
  async #uploaded(account: Account, upload: Upload, isAtOnce: boolean, signal: AbortSignal): Promise<string> {
    try {
      return await uploaded(this.#deps, account, upload, isAtOnce, signal)
    } catch (error) {
      const made = isAtOnce && !signal.aborted ? await versionWith(account, upload.message) : undefined
      if (made === undefined) throw error
      this.#deps.log('a Worker was uploaded, and not all of it was set', {
        worker: account.worker,
        error: causesOf(error),
      })
      return made
    }
  }

  /** It answers before anybody is sent there, where something else serves meanwhile; then people are, or so many of them. */
  async #goLive(account: Account, row: ReleaseRow, input: ApplyInput): Promise<void> {
    const { environment, signal, mayAct, fence } = input
    const before = (await givenAt(account)).filter(({ version }) => version !== row.command.version)
    const beside = await besideOf(this.#deps.store, row)
    signal.throwIfAborted()
    mayAct()
    if (before.length > 0) await this.#tried(account, row, before, input)
    signal.throwIfAborted()
    mayAct()
    await this.#give(account, row, beside, environment, signal)
    // It was live with its upload: nobody could ask it before.
    if (before.length === 0) await this.#mustWork(account, row, input)
    await writeLive(this.#deps, row, fence)
    await this.#forgetOld(row)
  }

  /** @throws UserError where it does not; what was live before is given its requests back, where Cloudflare lets that be */
  async #mustWork(account: Account, row: ReleaseRow, { environment, signal }: ApplyInput): Promise<void> {
    if (await this.#isHealthy(environment, {}, signal)) return
    const live = await this.#deps.store.live(row.repository, row.environment)
    const version = live?.command.version
    const back = version
      ? give(account, [{ version, percent: 100 }], row.id, signal)
      : Promise.reject(new Error('nothing was live'))
    const isBack = await back.then(
      () => true,
      () => false,
    )
    const fate = isBack
      ? 'what was live before has its requests again'
      : 'it has the requests all the same: nothing else can be given them'
    throw new UserError('not_healthy', `The new version does not answer its health check; ${fate}.`)
  }

  /** Of releases that are kept no more nothing is kept here. */
  async #forgetOld({ repository, environment }: ReleaseRow): Promise<void> {
    const rows = await this.#deps.store.list(repository, environment)
    const kept = new Set([
      ...byLastServed(rows).slice(0, KEEP_RELEASES),
      ...rows.filter(({ liveAt }) => liveAt === undefined).slice(0, KEEP_FAILED),
    ])
    for (const old of rows.filter((one) => !kept.has(one)))
      await rm(releaseFolder(this.#deps.dir, old.id), { recursive: true, force: true })
  }

  /** For so long, several times in a row: not all of Cloudflare's machines know a version at once. */
  async #isHealthy(
    environment: Environment,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { healthTimeoutSeconds } = cloudflareSettings(environment.settings)
    const until = Date.now() + healthTimeoutSeconds * 1000
    for (let oks = 0; Date.now() < until; ) {
      oks = (await this.#answers(environment, headers)) ? oks + 1 : 0
      if (oks === OKS) return true
      signal.throwIfAborted()
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
    }
    return false
  }

  /** Beside what serves, with none of the requests but those that ask for it. @throws UserError where it does not answer: then it is as it was */
  async #tried(
    account: Account,
    row: ReleaseRow,
    before: readonly Given[],
    { environment, signal }: ApplyInput,
  ): Promise<void> {
    const [most] = before.toSorted((a, b) => b.percent - a.percent)
    const version = row.command.version ?? ''
    if (!most) return
    await give(
      account,
      [
        { version, percent: 0 },
        { version: most.version, percent: 100 },
      ],
      row.id,
      signal,
    )
    if (await this.#isHealthy(environment, overriding(account.worker, version), signal)) return
    const { healthTimeoutSeconds: seconds } = cloudflareSettings(environment.settings)
    await give(account, before, row.id, signal)
    throw new UserError('not_healthy', `The new version was not healthy within ${seconds} s.`)
  }

  /** As it is written down who has which share. */
  async #give(
    account: Account,
    row: ReleaseRow,
    beside: ReleaseRow | undefined,
    { name }: Environment,
    signal: AbortSignal,
  ): Promise<void> {
    const { version, share } = row.command
    const rest = beside?.command.version
    if (version === undefined || (share && rest === undefined))
      throw new UserError('nothing_kept', `What \`${name}\` is to be given is no version of Muster's.`)
    const wanted =
      share && rest !== undefined
        ? [
            { version, percent: share.percent },
            { version: rest, percent: 100 - share.percent },
          ]
        : [{ version, percent: 100 }]
    await give(account, wanted, row.id, signal)
  }

  async restorable({ repository, name }: Environment): Promise<readonly Restorable[]> {
    const rows = await this.#deps.store.list(repository, name)
    return byLastServed(rows)
      .slice(0, KEEP_RELEASES)
      .filter(({ status, command }) => status !== 'live' && command.version !== undefined)
      .map(({ id, sha }) => ({ releaseId: id, sha }))
  }

  async restore({ environment, releaseId, signal, mayAct, fence }: RestoreInput): Promise<void> {
    const kept = await this.#deps.store.get(releaseId)
    if (!kept || kept.liveAt === undefined || kept.command.version === undefined)
      throw new UserError('nothing_kept', 'This release is not kept any more.')
    const account = accountOf(this.#deps, environment)
    // It had a share of the requests at last, where it was taken back itself: now it has all.
    const { share: _, ...command } = kept.command
    const row = { ...kept, command }
    signal.throwIfAborted()
    mayAct()
    await this.#give(account, row, undefined, environment, signal)
    if (kept.command.share) await this.#deps.store.save(row)
    await writeLive(this.#deps, row, fence)
  }

  async weigh({ environment, releaseId, percent, signal, mayAct, fence }: WeighInput): Promise<void> {
    const { store, now } = this.#deps
    signal.throwIfAborted()
    mayAct()
    const live = mustBeLive(await store.live(environment.repository, environment.name), releaseId)
    const command = withPercent(live, percent, now())
    const row = command ? { ...live, command } : live
    if (command) await store.reach(releaseId, command, fence)
    // Given it once more, too, where it was only written down.
    await this.#give(accountOf(this.#deps, environment), row, await besideOf(store, row), environment, signal)
  }
}

/** Lets whoever asks say which version is to answer (developers.cloudflare.com, "Version overrides"). */
function overriding(worker: string, version: string): Record<string, string> {
  return { 'cloudflare-workers-version-overrides': `${worker}="${version}"` }
}

function atOnce(migration: string | undefined): UserError {
  return new UserError(
    'at_once',
    `The migration \`${migration ?? 'none'}\` of the objects is made for all of them at once.`,
    {
      hint: 'Deploy it in a commit of its own, and take `canary` out of the environment for it: what reads the old storage has to read the new one, too.',
    },
  )
}

/** What belongs to the Worker and to none of its versions: it stays as it is until somebody changes it. */
function leftOut(raw: Readonly<Record<string, unknown>>): string[] {
  const named = [
    'triggers',
    'routes',
    'route',
    'workers_dev',
    'queues',
    'observability',
    'logpush',
    'tail_consumers',
  ].filter((key) => raw[key] !== undefined)
  return named.length === 0
    ? []
    : [
        `${named.map((key) => `\`${key}\``).join(', ')} stay as they are there: \`wrangler triggers deploy\` changes them`,
      ]
}
