import { styleText } from 'node:util'
import { readSandbox } from '../../src/config/env.ts'
import type { Env } from '../../src/core/environment.ts'
import { UserError } from '../../src/core/errors.ts'
import { verbatim } from '../../src/core/sanitise.ts'
import { chooseSandbox } from '../../src/workspace/choose.ts'
import { commitsBetween, type LocalRepository, localRepository, trunkOf } from '../../src/workspace/local.ts'
import { jsonNarrator, textNarrator } from '../narrator.ts'
import type { ReviewView } from '../observe.ts'
import { askForLook, type Look, openPull } from './looks.ts'
import { modelEnv } from './models.ts'
import { numberOf } from './options.ts'
import { onStage } from './rehearse.ts'
import type { Request } from './request.ts'

/** The options of the command, as they are written. */
export interface ReviewArguments {
  readonly repo: string
  readonly head: string
  readonly base?: string | undefined
  readonly model?: string | undefined
  readonly json?: boolean | undefined
  readonly minutes: string
}

/** Looks at a branch of this machine as `review` would look at its pull request. @returns whether nothing was found */
export async function reviewBranch(options: ReviewArguments, env: Env): Promise<boolean> {
  const base = await localRepository(options.repo, options.base ?? (await trunkOf(options.repo)))
  const head = await localRepository(options.repo, options.head)
  if (base.sha === head.sha)
    throw new UserError('nothing_to_review', `${options.head} is what it would go into.`, {
      hint: '`--head <branch>` says what is looked at, `--base <branch>` what it goes into.',
    })
  const request = await requestOf(base, head, options.head)
  const narrator = options.json ? jsonNarrator((text) => void process.stdout.write(text)) : textNarrator(process.stdout)
  narrator.say(`“${verbatim(request.title)}”: ${head.sha.slice(0, 7)}, against ${base.sha.slice(0, 7)}`)
  narrator.say('Nothing leaves this machine but what the model is asked, and nothing in the repository is changed.')
  if (head.uncommitted > 0)
    narrator.say(`${head.uncommitted} changed files are not committed: they are not part of it.`)
  const settings = {
    ...modelEnv(env, options.model),
    MUSTER_SANDBOX: await chooseSandbox(readSandbox(env), env['MUSTER_CONTAINERS']),
  }
  const patienceMs = numberOf('--minutes', options.minutes) * 60_000
  const { result, end } = await onStage({ ...base, branch: 'main' }, { env: settings, narrator }, async (at) =>
    askForLook(at, await openPull(at, { ...head, branch: 'change' }, request), 1, patienceMs),
  )
  await end(result.review === undefined)
  tell(result, options.json === true)
  return result.review?.findings.length === 0
}

/** What its commits say: of one all of it, of several what each is called. */
async function requestOf(base: LocalRepository, head: LocalRepository, name: string): Promise<Request> {
  const commits = await commitsBetween(head, base.sha)
  const [only, ...others] = commits
  if (only && others.length === 0) return only
  return {
    title: name === 'HEAD' ? (only?.title ?? 'A change') : name,
    body: commits.map(({ title }) => `- ${title}`).join('\n'),
  }
}

function tell({ review, reason, task }: Look, isJson: boolean): void {
  const usd = task?.costUsd ?? 0
  if (isJson) {
    const { findings = [], left = [], looked = '' } = review ?? {}
    const summary = { kind: 'summary', done: review !== undefined, reason, findings, left, looked, usd }
    return void process.stdout.write(`${JSON.stringify(summary)}\n`)
  }
  const turns = (task?.state.steps ?? []).reduce((sum, step) => sum + step.turns, 0)
  const text = review ? reviewText(review) : [`It stopped: ${verbatim(reason)}`]
  process.stdout.write(`${[...text, '', `  Cost    $${usd.toFixed(2)} for ${turns} model turns`, ''].join('\n')}\n`)
}

const COLOURS = { high: 'red', medium: 'yellow', low: 'cyan' } as const

function reviewText({ findings, left, looked }: ReviewView): string[] {
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    styleText(style, text, { stream: process.stdout })
  const shown = findings.flatMap((one) => [
    '',
    `${paint(COLOURS[one.severity], one.severity)}  ${paint('bold', verbatim(one.title))}`,
    paint('dim', `${one.path}:${one.from}`),
    verbatim(one.detail),
    ...(one.suggestion ? [`Suggestion: ${verbatim(one.suggestion)}`] : []),
    ...(one.evidence && one.test ? [`Shown by a test (${one.test.path}):`, ...indented(one.test.content)] : []),
  ])
  const head = findings.length === 0 ? paint('green', 'Nothing found.') : ''
  const dropped = left.map(({ title, why }) => paint('dim', `Not said (${why}): ${verbatim(title)}`))
  return ['', ...(head ? [head] : []), ...shown, '', paint('dim', verbatim(looked)), ...dropped]
}

function indented(text: string): string[] {
  return verbatim(text.trimEnd())
    .split('\n')
    .map((line) => `    ${line}`)
}
