import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { UserError } from '../../core/errors.ts'
import type { Sample } from '../../core/traffic.ts'
import { type Fence, Lost, Unwanted } from '../../leases/types.ts'
import { Fenced } from '../../store/types.ts'
import { run } from '../../workspace/spawn.ts'
import { isAlive, serviceEnv, tailOf } from '../local/process.ts'
import { healthy } from '../local/health.ts'
import { begunRow, byLastServed, detailOf, KEEP_RELEASES, NO_SERVICE, observed } from '../rows.ts'
import { NO_TOOLS } from '../tools.ts'
import type {
  ApplyInput,
  Environment,
  Observed,
  ReleaseRow,
  Restorable,
  RestoreInput,
  Target,
  TargetDeps,
  Tools,
} from '../types.ts'
import { COMMAND_LOG } from '../local/log.ts'
import { begin, begunIn, ended, isBegun } from './run.ts'
import { secretsFor } from '../secrets.ts'
import { type CommandSettings, commandSettings } from './settings.ts'

const CURRENT_MS = 60_000
const UNKNOWN = 'its command was ended before it had ended by itself; nobody can tell what it did'

/** What a command is told of a release. */
interface Told {
  readonly sha: string
  readonly id: string
  readonly tools: Tools
}

/** Deploys by a command of the repository's. What that does is its own business; how it ended, and what is live, is told as it was. */
export class CommandTarget implements Target {
  readonly #options: TargetDeps

  constructor(options: TargetDeps) {
    this.#options = options
  }

  url({ settings }: Environment): string {
    return commandSettings(settings).url
  }

  /** As `current` prints it; without one, what was deployed here last. */
  async current(environment: Environment): Promise<string | undefined> {
    const { current } = commandSettings(environment.settings)
    const live = await this.#options.store.live(environment.repository, environment.name)
    if (!current) return live?.sha
    const kept = live ? this.#files(live.id) : ''
    // A script of the repository's, and nothing of it is here: nothing was deployed from here yet.
    if (!existsSync(kept) && isInside(current)) return live?.sha
    const told = { sha: live?.sha ?? '', id: live?.id ?? '', tools: NO_TOOLS }
    const env = this.#env(environment, told)
    const cwd = existsSync(kept) ? kept : '/'
    const [file = '', ...args] = filled(current, environment, told)
    const { exitCode, output } = await run(file, args, { cwd, env, timeoutMs: CURRENT_MS }).catch((error: unknown) => ({
      exitCode: 127,
      output: String(error),
    }))
    const last = output.trim().split('\n').at(-1)?.trim() ?? ''
    if (exitCode === 0 && /^[\w.-]{0,100}$/.test(last)) return last === '' ? undefined : last
    throw new UserError(
      'current_failed',
      `What is live on \`${environment.name}\` could not be told: \`current\` ended with ${exitCode} and is to print a SHA, or nothing.`,
      {
        hint: this.#options.redact(output).trim().slice(-300),
      },
    )
  }

  async observe(id: string): Promise<Observed> {
    const row = await this.#options.store.get(id)
    // It runs yet, or has ended: whoever goes on waits for that.
    const isKnown = row?.status !== 'starting' || (await isBegun(this.#folder(id)))
    return observed(row, isKnown ? 'unfinished' : 'unknown')
  }

  async log(id: string): Promise<string> {
    return this.#options.redact(await tailOf(join(this.#folder(id), COMMAND_LOG)))
  }

  probe({ settings }: Environment): Promise<boolean> {
    const { url, health } = commandSettings(settings)
    return healthy(new URL(health, url).href)
  }

  /** It sees no traffic. */
  async samples(): Promise<readonly Sample[]> {
    return []
  }

  async measuredSince(): Promise<undefined> {
    return undefined
  }

  async apply(input: ApplyInput): Promise<void> {
    const { releaseId: id, environment } = input
    const settings = commandSettings(environment.settings)
    const known = await this.#options.store.get(id)
    const row = known?.status === 'starting' ? known : await this.#begun(input, settings)
    await this.#untilEnded(row, environment, settings, input)
    await this.#wentLive(row, input.fence)
  }

  /** Its files are there, and its command runs. */
  async #begun(input: ApplyInput, settings: CommandSettings): Promise<ReleaseRow> {
    const { environment, releaseId: id, sha, signal, mayAct } = input
    const files = this.#files(id)
    await rm(this.#folder(id), { recursive: true, force: true })
    await mkdir(files, { recursive: true, mode: 0o700 })
    // No folder of a service: nothing is served from here.
    const row = begunRow(input, { ...NO_SERVICE, env: settings.env })
    await this.#options.store.save(row)
    try {
      // What it may not have is said before anything is done.
      secretsFor(environment, settings.secrets, this.#options.env)
      await input.unpack(files)
      const told = { sha, id, tools: await input.tools([settings.deploy.join(' ')]) }
      signal.throwIfAborted()
      mayAct()
      // Before it begins: what was begun is never begun again.
      const starting: ReleaseRow = { ...row, status: 'starting', command: { ...row.command, path: told.tools.path } }
      await this.#options.store.save(starting)
      const env = this.#env(environment, told)
      await begin(filled(settings.deploy, environment, told), this.#folder(id), files, env)
      return starting
    } catch (error) {
      if (signal.aborted || error instanceof Lost || error instanceof Fenced) throw error
      await this.#failed(row, detailOf(error))
      throw error
    }
  }

  /** @throws UserError where it did not succeed */
  async #untilEnded(
    row: ReleaseRow,
    environment: Environment,
    { timeoutSeconds }: CommandSettings,
    { signal }: Pick<ApplyInput, 'signal'>,
  ): Promise<void> {
    const until = Date.now() + timeoutSeconds * 1000
    // Where Muster stops it goes on, and whoever comes next waits for it; where nobody wants it any more, it ends.
    const ends = (reason: unknown) => reason instanceof Unwanted
    const end = await ended(this.#folder(row.id), { until, signal, ends })
    if (end.code === 0) return
    if (end.code === undefined && end.why === 'aborted' && !ends(signal.reason)) signal.throwIfAborted()
    const why =
      end.code !== undefined
        ? `The command failed (exit code ${end.code}).`
        : end.why === 'late'
          ? `The command took longer than ${timeoutSeconds} s, and was ended.`
          : 'The command was ended before it had ended by itself.'
    const error = new UserError('deploy_failed', why, {
      hint: `What it has done until then stays as it is; please look at ${environment.name}.`,
    })
    await this.#failed(row, end.code === undefined ? `${why} ${UNKNOWN}` : why)
    throw error
  }

  async #wentLive(row: ReleaseRow, fence: Fence): Promise<void> {
    const { store, now } = this.#options
    await store.goLive(row, new Date(now()), fence)
    const rows = await store.list(row.repository, row.environment)
    const kept = byLastServed(rows).slice(0, KEEP_RELEASES)
    for (const other of rows)
      if (other.status !== 'live' && other.status !== 'starting' && !kept.includes(other))
        await rm(this.#files(other.id), { recursive: true, force: true })
  }

  async #failed(row: ReleaseRow, detail: string): Promise<void> {
    await this.#options.store.save({ ...row, status: 'failed', detail })
  }

  async restorable({ repository, name, settings }: Environment): Promise<readonly Restorable[]> {
    if (!commandSettings(settings).restore) return []
    const rows = await this.#options.store.list(repository, name)
    return byLastServed(rows)
      .filter((row) => row.status === 'retired' && existsSync(this.#files(row.id)))
      .map(({ id, sha }) => ({ releaseId: id, sha }))
  }

  async restore({ environment, releaseId, signal, mayAct, fence }: RestoreInput): Promise<void> {
    const settings = commandSettings(environment.settings)
    const row = await this.#options.store.get(releaseId)
    const { restore } = settings
    if (!restore || !row || row.liveAt === undefined || !existsSync(this.#files(releaseId)))
      throw new UserError('nothing_kept', 'This release is not kept any more, or no `restore` is set.')
    signal.throwIfAborted()
    mayAct()
    const told = { sha: row.sha, id: releaseId, tools: { ...NO_TOOLS, path: row.command.path ?? [] } }
    const env = this.#env(environment, told)
    const folder = this.#folder(releaseId)
    const begun = await begunIn(folder)
    // By a process that ended in the middle of it.
    if (!begun || !isAlive(begun)) await begin(filled(restore, environment, told), folder, this.#files(releaseId), env)
    const until = Date.now() + settings.timeoutSeconds * 1000
    // Nobody could tell what half of a way back has done: it goes on where Muster stops, whatever is wanted by then.
    const end = await ended(folder, { until, signal, ends: () => false })
    if (end.code === undefined && end.why === 'aborted') signal.throwIfAborted()
    if (end.code !== 0) throw new UserError('rollback_failed', `The way back failed (exit code ${end.code ?? 'none'}).`)
    await this.#wentLive(row, fence)
  }

  /** Nothing of Muster's own, but what the operator lets it have. */
  #env(environment: Environment, { sha, id, tools }: Told): Record<string, string> {
    const { env, secrets } = commandSettings(environment.settings)
    const own = secretsFor(environment, secrets, this.#options.env)
    const { PORT: _port, HOST: _host, ...base } = serviceEnv(0, { env: { ...tools.env, ...env }, path: tools.path })
    return { ...base, ...own, ...told(environment, sha, id) }
  }

  #folder(id: string): string {
    return join(resolve(this.#options.dir), 'releases', id)
  }

  #files(id: string): string {
    return join(this.#folder(id), 'files')
  }
}

/** What a command finds of its release in its environment. */
function told({ name, repository }: Pick<Environment, 'name' | 'repository'>, sha: string, id: string) {
  return { MUSTER_SHA: sha, MUSTER_ENVIRONMENT: name, MUSTER_REPOSITORY: repository, MUSTER_RELEASE: id }
}

/** The names of that. */
export const TOLD: readonly string[] = Object.keys(told({ name: '', repository: '' }, '', ''))

/** Whether the program is one of the repository's files. */
function isInside([program = '']: readonly string[]): boolean {
  return program.includes('/') && !program.startsWith('/')
}

/** Within an argument, never as another one. */
function filled(argv: readonly string[], { name }: Environment, { sha, id }: Told): string[] {
  const values: Readonly<Record<string, string>> = { sha, environment: name, release: id }
  return argv.map((one) => one.replace(/\{(sha|environment|release)\}/g, (all, key: string) => values[key] ?? all))
}
