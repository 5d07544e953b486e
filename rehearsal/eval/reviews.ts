import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { z } from 'zod'
import { columns } from '../../src/cli/columns.ts'
import { messageOf, UserError } from '../../src/core/errors.ts'
import { verbatim } from '../../src/core/sanitise.ts'
import type { Changes } from '../github/git.ts'
import { commitFiles, importFolder, shaOf } from '../github/git.ts'
import type { ReviewView } from '../observe.ts'
import { askForLook, openPull } from '../own/looks.ts'
import { onStage } from '../own/rehearse.ts'
import { readRequest, type Request } from '../own/request.ts'
import { YOU } from '../own/scene.ts'
import { inParallel, missingFor, type Work } from './eval.ts'

/** Pull requests with and without a fault: what a review finds, what it makes up, and what it says twice. */

const CaseFile = z.strictObject({
  language: z.string().max(40).optional(),
  /** Programs without which the case is left out. */
  needs: z.array(z.string().regex(/^[\w.+-]+$/)).default([]),
  /** The fault in it: a finding within these lines of the head has found it. Null: there is none. */
  fault: z.object({ path: z.string(), from: z.int().min(1), to: z.int().min(1) }).nullable(),
})

interface ReviewCase extends z.infer<typeof CaseFile> {
  readonly name: string
  readonly folder: string
  readonly request: Request
  readonly story: string | undefined
}

const Result = z.object({
  name: z.string(),
  language: z.string().optional(),
  outcome: z.enum(['done', 'stopped', 'skipped', 'error']),
  reason: z.string(),
  hasFault: z.boolean(),
  found: z.boolean(),
  shown: z.boolean(),
  wrong: z.array(z.string()),
  repeated: z.array(z.string()),
  turns: z.number(),
  usd: z.number(),
  seconds: z.number(),
})
export type ReviewResult = z.infer<typeof Result>

export interface ReviewOptions {
  readonly dir: string
  readonly only: readonly string[]
  readonly parallel: number
  readonly recorded: boolean
  readonly record: boolean
  readonly out: string | undefined
  readonly json: boolean
}

/** @returns whether every fault but one was found, nothing but one made up, and nothing said twice */
export async function runReviews(options: ReviewOptions, work: Work, say: (line: string) => void): Promise<boolean> {
  const cases = readReviewCases(options.dir, options.only)
  const results: ReviewResult[] = []
  await inParallel(cases, options.parallel, async (one) => {
    const result = await runOne(one, work, options)
    results.push(result)
    if (!options.json) say(`[${results.length}/${cases.length}] ${lineOf(result)}`)
  })
  const sorted = results.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  if (options.out) writeFileSync(options.out, `${JSON.stringify({ models: work.models, cases: sorted }, null, 1)}\n`)
  say(options.json ? JSON.stringify({ models: work.models, cases: sorted }) : `\n${reviewsText(sorted)}`)
  return isGood(sorted)
}

/** So many of the faults may be missed, and so much may be made up. */
const MAY_MISS = 1
const MAY_ERR = 1

function isGood(results: readonly ReviewResult[]): boolean {
  const { missed, wrong, repeated, failed } = sumsOf(results)
  return failed === 0 && missed <= MAY_MISS && wrong <= MAY_ERR && repeated === 0
}

function sumsOf(results: readonly ReviewResult[]) {
  const counted = results.filter(({ outcome }) => outcome === 'done')
  const count = (each: (one: ReviewResult) => number) => counted.reduce((sum, one) => sum + each(one), 0)
  return {
    faults: count(({ hasFault }) => Number(hasFault)),
    missed: count(({ hasFault, found }) => Number(hasFault && !found)),
    shown: count(({ shown }) => Number(shown)),
    wrong: count(({ wrong }) => wrong.length),
    repeated: count(({ repeated }) => repeated.length),
    failed: results.filter(({ outcome }) => outcome === 'stopped' || outcome === 'error').length,
  }
}

function reviewsText(results: readonly ReviewResult[]): string {
  const rows = results.map((one) => [
    one.name,
    one.hasFault ? 'a fault' : 'none',
    one.outcome === 'done'
      ? one.found
        ? one.shown
          ? 'found, shown by a test'
          : 'found'
        : one.hasFault
          ? 'missed'
          : ''
      : one.outcome,
    String(one.wrong.length),
    String(one.turns),
    `$${one.usd.toFixed(3)}`,
  ])
  const { faults, missed, shown, wrong, repeated } = sumsOf(results)
  return [
    columns([['Pull request', 'Has', 'Came to', 'Wrong', 'Turns', 'Cost'], ...rows], 3).join('\n'),
    '',
    `${faults - missed} of ${faults} faults found (${shown} shown by a test), ${wrong} false findings, ${repeated} said twice`,
    ...results.flatMap(({ name, wrong: titles }) => titles.map((title) => `  ${name}: ${title}`)),
    ...results
      .filter(({ outcome }) => outcome !== 'done')
      .map(({ name, outcome, reason }) => `  ${name}: ${outcome}: ${reason}`),
  ].join('\n')
}

function lineOf({ name, outcome, found, hasFault, wrong, turns, usd, seconds }: ReviewResult): string {
  const what = outcome !== 'done' ? outcome : found ? 'found' : hasFault ? 'missed' : 'nothing to find'
  return `${name}: ${what}, ${wrong.length} wrong, ${turns} turns, $${usd.toFixed(3)}, ${Math.round(seconds)} s`
}

/** Every case below a folder. @throws UserError where there is none, or one cannot be read */
export function readReviewCases(dir: string, only: readonly string[]): ReviewCase[] {
  const names = existsSync(dir) ? readdirSync(dir).filter((name) => existsSync(join(dir, name, 'case.json'))) : []
  const wanted = names.filter((name) => only.length === 0 || only.includes(name)).toSorted()
  if (wanted.length === 0)
    throw new UserError('no_cases', `There are no pull requests in ${dir}.`, {
      hint: 'Each is a folder with a case.json; docs/eval.md says what stands in it.',
    })
  return wanted.map((name) => readReviewCase(resolve(dir, name), name))
}

function readReviewCase(folder: string, name: string): ReviewCase {
  const file = join(folder, 'case.json')
  try {
    const parsed = CaseFile.parse(JSON.parse(readFileSync(file, 'utf8')))
    const story = join(folder, 'story.json')
    const request = readRequest(join(folder, 'pull.md'))
    return { ...parsed, name, folder, request, story: existsSync(story) ? story : undefined }
  } catch (error) {
    throw new UserError('bad_case', `${file} is no case: ${messageOf(error).slice(0, 500)}`)
  }
}

const NOTHING = { found: false, shown: false, wrong: [], repeated: [], turns: 0, usd: 0 }

async function runOne(one: ReviewCase, work: Work, options: ReviewOptions): Promise<ReviewResult> {
  const started = Date.now()
  const dir = mkdtempSync(join(tmpdir(), 'muster-review-'))
  const about = { name: one.name, ...(one.language ? { language: one.language } : {}), hasFault: one.fault !== null }
  try {
    const result = await attempt(one, work, options, dir)
    return { ...about, ...result, seconds: (Date.now() - started) / 1000 }
  } catch (error) {
    const reason = verbatim(messageOf(error))
    return { ...about, ...NOTHING, outcome: 'error', reason, seconds: (Date.now() - started) / 1000 }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

type Attempt = Omit<ReviewResult, 'name' | 'language' | 'hasFault' | 'seconds'>

async function attempt(
  one: ReviewCase,
  work: Work,
  { recorded, record }: ReviewOptions,
  dir: string,
): Promise<Attempt> {
  const skipped = (reason: string): Attempt => ({ ...NOTHING, outcome: 'skipped', reason })
  if (recorded && !one.story) return skipped('it has no story')
  const missing = await missingFor(one, work, dir)
  if (missing.length > 0) return skipped(`${missing.join(', ')} is not there in the sandbox`)
  const { base, head, path } = await commitsOf(one, dir)
  const story = recorded && one.story ? { MUSTER_SCRIPT: one.story } : {}
  const written = record ? { MUSTER_RECORD: resolve(one.folder, 'story.json') } : {}
  const env = { ...work.env, ...story, ...written }
  const repository = { path, sha: base, branch: 'main', uncommitted: 0 }
  const { result, end } = await onStage(repository, { env }, async (at) => {
    const number = await openPull(at, { path, sha: head, branch: 'change' }, one.request)
    const first = await askForLook(at, number, 1, work.patienceMs)
    const again = filesIn(join(one.folder, 'again'))
    if (!first.review || Object.keys(again).length === 0) return { first, second: undefined }
    await at.stage.people.push(YOU, 'change', again, 'Another commit')
    return { first, second: await askForLook(at, number, 2, work.patienceMs) }
  })
  await end(false)
  const { first, second } = result
  const last = second ?? first
  const turns = (last.task?.state.steps ?? []).reduce((sum, step) => sum + step.turns, 0)
  const cost = { turns, usd: last.task?.costUsd ?? 0 }
  if (!first.review || (second && !second.review))
    return { ...NOTHING, ...cost, outcome: 'stopped', reason: last.reason }
  return { outcome: 'done', reason: '', ...scoreOf(one, first.review, second?.review), ...cost }
}

/** A finding beside the fault in the first look, or a new one in the second, is a false one; the fault again in the second is said twice. */
function scoreOf({ fault }: ReviewCase, first: ReviewView, second: ReviewView | undefined) {
  const isFault = (one: ReviewView['findings'][number]) =>
    fault !== null && one.path === fault.path && one.from <= fault.to && one.to >= fault.from
  const hit = first.findings.find(isFault)
  const later = second?.findings ?? []
  const wrong = [...first.findings, ...later].filter((one) => !isFault(one)).map(({ title }) => title)
  const repeated = hit ? later.filter(isFault).map(({ title }) => title) : []
  return { found: hit !== undefined || later.some(isFault), shown: hit?.evidence !== undefined, wrong, repeated }
}

async function commitsOf(one: ReviewCase, dir: string) {
  const path = join(dir, `${one.name}.git`)
  mkdirSync(dir, { recursive: true })
  // The same files are the same commits, whenever they are made: stories hold.
  await importFolder(path, join(one.folder, 'repo'), 'eval', one.name)
  const base = (await shaOf(path, 'main')) ?? ''
  const head = await commitFiles(path, base, filesIn(join(one.folder, 'change')), 'eval', one.request.title)
  return { path, base, head }
}

/** Every file below a folder, by its path in it. */
function filesIn(folder: string): Changes {
  if (!existsSync(folder)) return {}
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path))
  const files = paths.filter((path) => statSync(path).isFile()).toSorted()
  return Object.fromEntries(files.map((path) => [relative(folder, path), readFileSync(path, 'utf8')]))
}
