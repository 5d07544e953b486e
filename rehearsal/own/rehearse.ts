import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { readSandbox } from '../../src/config/env.ts'
import { numberOf } from './options.ts'
import { UserError } from '../../src/core/errors.ts'
import type { Env } from '../../src/core/environment.ts'
import type { RepositorySettings } from '../../src/core/settings.ts'
import { chooseSandbox } from '../../src/workspace/choose.ts'
import { bringBranch, gitFolder, type LocalRepository, localRepository } from '../../src/workspace/local.ts'
import { ServerChild } from '../child.ts'
import { git } from '../github/git.ts'
import { jsonNarrator, type Narrator, textNarrator } from '../narrator.ts'
import { showProgress } from '../progress.ts'
import { setStage, type Stage } from '../stage.ts'
import { approvesPlans, type Decider, type Journey, playJourney } from './journey.ts'
import { modelEnv } from './models.ts'
import { branchOf, type OwnReport, reportMarkdown, reportOn, reportText } from './report.ts'
import { readRequest, type Request } from './request.ts'
import { ownScene } from './scene.ts'
import { settingsAt } from './settings.ts'
import { atTerminal } from './terminal.ts'

/** The options of the command, as they are written. */
export interface RehearseArguments {
  readonly repo: string
  readonly issue: string
  readonly model?: string | undefined
  /** Plans are approved, and nobody is asked. */
  readonly yes?: boolean | undefined
  readonly json?: boolean | undefined
  readonly report?: string | undefined
  /** For how long at most, in minutes. */
  readonly minutes: string
}

/** Plays an issue on a repository of this machine, from the request to the proved branch. @returns whether it got there */
export async function rehearse(options: RehearseArguments, env: Env): Promise<boolean> {
  const request = readRequest(options.issue)
  const repository = await localRepository(options.repo)
  const narrator = options.json ? jsonNarrator((text) => void process.stdout.write(text)) : textNarrator(process.stdout)
  introduce(narrator, repository, request)
  const started = Date.now()
  const asked = isAttended(options) ? atTerminal(narrator) : { decide: approvesPlans, close: () => {} }
  try {
    const { stage, journey, end } = await playOn(repository, request, {
      env: {
        ...modelEnv(env, options.model),
        MUSTER_SANDBOX: await chooseSandbox(readSandbox(env), env['MUSTER_CONTAINERS']),
      },
      decide: asked.decide,
      patienceMs: numberOf('--minutes', options.minutes) * 60_000,
      narrator,
    })
    try {
      const branch = await bring(stage, journey, repository)
      const report = await reportOn(stage, journey, branch, (Date.now() - started) / 1000)
      tell(report, await written(report, repository, options.report), repository, options, narrator)
      return report.ok
    } finally {
      await end(journey.ending === 'stopped' || journey.ending === 'time')
    }
  } finally {
    asked.close()
  }
}

function isAttended({ yes, json }: RehearseArguments): boolean {
  return !yes && !json && process.stdin.isTTY && process.stdout.isTTY
}

function introduce(narrator: Narrator, { path, branch, sha, uncommitted }: LocalRepository, { title }: Request): void {
  narrator.say(`“${title}”, on ${path} (${branch} at ${sha.slice(0, 7)})`)
  narrator.say(
    'GitHub is a local stand-in, and nothing leaves this machine but what the model is asked. The repository is copied; it gets a branch in the end.',
  )
  if (uncommitted > 0) narrator.say(`${uncommitted} changed files are not committed: they are not part of it.`)
  narrator.say('')
}

export interface PlayOptions extends StageOptions {
  readonly decide: Decider
  readonly patienceMs: number
}

export interface PlayedJourney {
  readonly stage: Stage
  readonly journey: Journey
  /** @param keep leaves the server's log for a look */
  readonly end: (keep?: boolean) => Promise<void>
}

/** One journey with a server and a GitHub of its own. What it opened is closed by `end`. */
export async function playOn(
  repository: LocalRepository,
  request: Request,
  { decide, patienceMs, ...options }: PlayOptions,
): Promise<PlayedJourney> {
  const { stage, result, end } = await onStage(repository, options, (at) =>
    playJourney({ ...at, decide, patienceMs }, request),
  )
  return { stage, journey: result, end }
}

export interface StageOptions {
  /** The server's environment. */
  readonly env: Readonly<Record<string, string>>
  readonly narrator?: Narrator | undefined
}

/** Where something is played. */
export interface OnStage {
  readonly stage: Stage
  readonly server: ServerChild
  readonly settings: RepositorySettings
}

/** Plays something with a server and a GitHub of its own, on a copy of a repository. What it opened is closed by `end`. */
export async function onStage<T>(
  repository: LocalRepository,
  { env, narrator }: StageOptions,
  play: (at: OnStage) => Promise<T>,
): Promise<{ readonly stage: Stage; readonly result: T; readonly end: PlayedJourney['end'] }> {
  const stage = await setStage({ scene: ownScene(repository) })
  let server: ServerChild | undefined
  const end = async (keep = false) => {
    await server?.stop()
    await stage.close(keep)
    if (keep) narrator?.say(`The server's log: ${server?.logFile ?? stage.dir}`)
  }
  const unwatch = narrator ? stage.world.watch((entry) => narrator.entry(entry)) : () => {}
  const interrupted = () => void end().finally(() => process.exit(130))
  process.once('SIGINT', interrupted)
  try {
    const settings = await settingsOf(repository, stage)
    server = await ServerChild.start(stage, env)
    const stopShowing = narrator ? showProgress(narrator, server) : () => {}
    try {
      return { stage, result: await play({ stage, server, settings }), end }
    } finally {
      stopShowing()
      narrator?.stop()
    }
  } catch (error) {
    await end()
    throw error
  } finally {
    unwatch()
    process.off('SIGINT', interrupted)
  }
}

async function settingsOf({ sha }: LocalRepository, { repo }: Stage): Promise<RepositorySettings> {
  const parsed = await settingsAt(repo.dir, sha)
  if (parsed.ok) return parsed.settings
  const [first] = parsed.problems
  throw new UserError('bad_settings', `.github/muster.yml, line ${first?.line ?? 1}: ${first?.key ?? ''}`, {
    hint: `Expected: ${first?.expected ?? 'valid settings'}. \`muster check\` lists everything.`,
  })
}

/** What was made becomes a branch of the repository that it was played on. */
async function bring({ repo }: Stage, { task }: Journey, repository: LocalRepository): Promise<string | undefined> {
  const branch = branchOf(task)
  if (!branch) return undefined
  const there = await git(repo.dir, ['rev-parse', '--verify', '--quiet', `refs/heads/${branch}`]).catch(() => '')
  return there ? bringBranch(repo.dir, branch, repository) : undefined
}

/** Where nobody says another place, the report stands beside the repository's own notes: in no commit, and in nobody's way. */
async function written(report: OwnReport, repository: LocalRepository, wanted: string | undefined): Promise<string> {
  const name = (report.branch ?? 'muster-rehearsal').replaceAll('/', '-')
  const file = wanted ? resolve(wanted) : join(await gitFolder(repository), 'muster', `${name}.md`)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, reportMarkdown(report))
  return file
}

function tell(
  report: OwnReport,
  file: string,
  { path }: LocalRepository,
  { json }: RehearseArguments,
  narrator: Narrator,
): void {
  narrator.progress('')
  if (json) process.stdout.write(`${JSON.stringify({ ...report, file })}\n`)
  else process.stdout.write(`${reportText(report, path, file, process.stdout)}\n`)
}
