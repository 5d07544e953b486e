import type { CommandOf, Invalid } from '../command.ts'
import { invalid, type Line } from './define.ts'

/** How lines are read that several commands have in common. */

const NAME = /^[\w][\w.-]{0,63}$/
const REF = /^[\w][\w./-]{0,199}$/
/** Names of environments that everybody knows; others count where the repository's settings have them. */
const PLACES =
  /^(prod|production|prd|live|stag(e|ing)|stg|dev(elopment)?|test(ing)?|qa|uat|preview|canary|demo|sandbox)\b/i
/** A ref that cannot be an English word: a SHA, a version, a branch with a slash; and the usual branches. */
const PLAINLY_A_REF = /[\d./_-]|^(main|master|develop|trunk|head)$/i

type Worded = 'plan' | 'build' | 'fix' | 'ask' | 'answer' | 'reject'
type Alone = 'status' | 'cost' | 'cancel' | 'retry' | 'why' | 'help' | 'notify'

/** The verb, with or without words. */
export function words<V extends Worded>(verb: V, line: Line): { verb: V; text: string } {
  return { verb, text: line.text }
}

/** The verb, which means nothing without words. */
export function wantedWords<V extends Worded>(verb: V, line: Line): { verb: V; text: string } | Invalid {
  return line.text === '' ? invalid(`\`${verb}\` wants some text after it.`) : words(verb, line)
}

/** The verb alone. */
export function alone<V extends Alone>(verb: V, { rest }: Line): { verb: V; text: string } | undefined {
  return rest.length === 0 ? { verb, text: '' } : undefined
}

/** "deploy to production", "deploy production v1.2 please" */
export function target<V extends 'deploy' | 'rollback'>(
  verb: V,
  { rest: said, environments }: Line,
): { verb: V; environment: string; ref: string | undefined } | Invalid | undefined {
  const [first, ...others] = said.filter((word, index) => index === 0 || !/^(please|pls|now|thanks|thx)$/i.test(word))
  const rest = first?.toLowerCase() === 'to' ? others : said.length > 0 ? [first ?? '', ...others] : []
  const [environment = '', ref] = rest
  const isPlace = environments.includes(environment) || PLACES.test(environment)
  if (rest.length === 0 || !NAME.test(environment))
    return invalid(`\`${verb}\` wants the name of an environment, as in \`${verb} production\`.`)
  if (rest.length === 1) return { verb, environment, ref }
  if (rest.length > 2 || ref === undefined || !REF.test(ref))
    return isPlace || !/^[a-z]+$/i.test(ref ?? '')
      ? invalid(`\`${verb} <env> [<ref>]\`: that is not a ref.`)
      : undefined
  return isPlace || PLAINLY_A_REF.test(ref) ? { verb, environment, ref } : undefined
}

/** "bisect staging", "bisect on staging from 0123abc to 89def01", "bisect staging 0123abc..89def01" */
export function range(verb: 'bisect', { rest: said, environments }: Line): CommandOf<'bisect'> | Invalid | undefined {
  const rest = said
    .flatMap((word) => word.replaceAll('`', '').split(/\.{2,3}/))
    .filter((word) => word !== '' && !/^(please|pls|now|thanks|thx|to|on|from|and|between)$/i.test(word))
  const [environment = '', good, bad] = rest
  const isPlace = environments.includes(environment) || PLACES.test(environment)
  if (rest.length === 0) return invalid(`\`${verb}\` wants the name of an environment, as in \`${verb} staging\`.`)
  if (!NAME.test(environment) || (!isPlace && environments.length > 0 && rest.length > 1)) return undefined
  const isWhole = rest.length === 1 || (rest.length === 3 && REF.test(good ?? '') && REF.test(bad ?? ''))
  return isWhole
    ? { verb, environment, good, bad }
    : invalid(`\`${verb} <env> [<good> <bad>]\`: a commit that was not worse, and one that is, or neither.`)
}

/** `lock contention in the worker` is prose. */
export function place<V extends 'lock' | 'unlock'>(
  verb: V,
  { rest, environments }: Line,
): { verb: V; environment: string; text: string } | Invalid | undefined {
  const [environment = ''] = rest
  const isPlace = environments.includes(environment) || PLACES.test(environment)
  if (rest.length > 1 && !isPlace) return undefined
  return NAME.test(environment)
    ? { verb, environment, text: rest.slice(1).join(' ') }
    : invalid(`\`${verb}\` wants the name of an environment.`)
}

/** Channels write addresses as Markdown links, or between angle brackets. */
export function address(verb: 'link' | 'unlink', { rest }: Line): URL | Invalid | undefined {
  if (rest.length > 1) return undefined
  const found = /https?:\/\/[^\s<>()\]]+/.exec(rest[0] ?? '')?.[0]
  return found !== undefined && URL.canParse(found)
    ? new URL(found)
    : invalid(`\`${verb}\` wants one address, as in \`${verb} https://…\`.`)
}

/** An approval stands alone or with the SHA that is approved. */
export function approval({ rest }: Line): CommandOf<'approve'> | Invalid {
  const [sha] = rest
  if (rest.length === 0) return { verb: 'approve', sha: undefined }
  if (rest.length === 1 && sha && /^[0-9a-f]{7,64}$/i.test(sha)) return { verb: 'approve', sha: sha.toLowerCase() }
  return invalid('`approve` stands alone or with the SHA that is approved; nothing was approved.')
}

/** As it is asked, or with a sum. */
export function more({ rest }: Line): CommandOf<'continue'> | Invalid | undefined {
  if (rest.length === 0 || /^without (proof|tests)$/i.test(rest.join(' '))) return { verb: 'continue', usd: undefined }
  const usd = Number(/^\+?\$?(\d{1,5}(?:\.\d{1,2})?)$/.exec(rest.join(''))?.[1])
  if (usd > 0) return { verb: 'continue', usd }
  return /^[a-z]/i.test(rest[0] ?? '') ? undefined : invalid('`continue +$N` wants an amount, as in `continue +$2`.')
}
