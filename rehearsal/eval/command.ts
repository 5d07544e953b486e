import { readFileSync } from 'node:fs'
import { readSettings } from '../../src/config/env.ts'
import { messageOf, UserError } from '../../src/core/errors.ts'
import type { Env } from '../../src/core/environment.ts'
import { machineOf } from '../../src/operate/machine.ts'
import { sandboxOf } from '../../src/operate/sandbox.ts'
import { listOf, numberOf } from '../own/options.ts'
import { type ArmName, ARMS } from './arms.ts'
import { runEval, setUp } from './eval.ts'
import { runReviews } from './reviews.ts'
import { casesFromHistory } from './history.ts'
import { comparisonText, EvalResults } from './results.ts'

/** The options of the command, as they are written. */
export interface EvalArguments {
  readonly cases?: string
  readonly reviews?: string
  readonly arm: string
  readonly model?: string
  readonly only?: string
  readonly parallel: string
  readonly minutes: string
  readonly out?: string
  readonly recorded?: boolean
  readonly record?: boolean
  readonly json?: boolean
  readonly compare?: string[]
  readonly fromHistory?: string
  readonly last: string
}

/** Compares, makes cases, or works on them. @returns whether what was asked for came of it */
export async function evalCommand(options: EvalArguments, env: Env, say: (line: string) => void): Promise<boolean> {
  if (options.compare) return compare(options.compare, say)
  if (options.reviews) return reviews(options.reviews, options, env, say)
  const { cases } = options
  if (!cases) throw new UserError('bad_option', 'Which cases? `--cases <dir>` names their folder.')
  if (options.fromHistory) return fromHistory(options.fromHistory, cases, options, env, say)
  const { model, out } = options
  return runEval(
    {
      cases,
      arms: armsOf(options.arm),
      model,
      only: listOf(options.only),
      parallel: numberOf('--parallel', options.parallel),
      minutes: numberOf('--minutes', options.minutes),
      out,
      recorded: options.recorded === true,
      record: options.record === true,
      json: options.json === true,
    },
    env,
    say,
  )
}

async function reviews(dir: string, options: EvalArguments, env: Env, say: (line: string) => void): Promise<boolean> {
  const { recorded = false, record = false, json = false, model, out } = options
  const minutes = numberOf('--minutes', options.minutes)
  const work = await setUp({ recorded, model, minutes }, env)
  const only = listOf(options.only)
  const parallel = numberOf('--parallel', options.parallel)
  return runReviews({ dir, only, parallel, recorded, record, out, json }, work, say)
}

function armsOf(text: string): ArmName[] {
  const names = listOf(text)
  const isArm = (name: string): name is ArmName => Object.hasOwn(ARMS, name)
  const unknown = names.find((name) => !isArm(name))
  if (unknown !== undefined || names.length === 0)
    throw new UserError('bad_option', `There is no arm "${unknown ?? ''}".`, {
      hint: `The arms are ${Object.keys(ARMS).join(' and ')}.`,
    })
  return names.filter(isArm)
}

function compare(files: readonly string[], say: (line: string) => void): boolean {
  const [one, other] = files
  if (!one || !other || files.length !== 2)
    throw new UserError('bad_option', '`--compare` wants two files of results: the earlier one first.')
  say(comparisonText(readResults(one), readResults(other)))
  return true
}

function readResults(file: string): EvalResults {
  try {
    return EvalResults.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    throw new UserError('bad_results', `${file} holds no results of an eval: ${messageOf(error).slice(0, 300)}`)
  }
}

async function fromHistory(
  repo: string,
  cases: string,
  { last }: EvalArguments,
  env: Env,
  say: (line: string) => void,
): Promise<boolean> {
  const settings = readSettings(env)
  const made = await casesFromHistory(
    {
      repo,
      cases,
      last: numberOf('--last', last),
      sandbox: sandboxOf(settings, env),
      machine: machineOf(settings, env),
    },
    say,
  )
  say(made === 0 ? '\nNo change of its history makes a case.' : `\n${made} cases stand in ${cases}.`)
  return made > 0
}
