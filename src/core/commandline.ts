import { type Command, isVerb, type Verb } from './command.ts'
import { askedFor, asksWhatItIs, lineOf, unclear, withoutPoliteness } from './unclear.ts'

/** What was said to Muster, from its mention on. */
export interface Call {
  /** The rest of the line after the mention. */
  readonly first: string
  /** The lines that follow, up to the next call; quotes and code too. */
  readonly more: string
  /** The same without quotes: its author's own words. */
  readonly own: string
}

const NAME = /^[\w][\w.-]{0,63}$/
const REF = /^[\w][\w./-]{0,199}$/
/** Names of environments that everybody knows; others count where the repository's settings have them. */
const PLACES =
  /^(prod|production|prd|live|stag(e|ing)|stg|dev(elopment)?|test(ing)?|qa|uat|preview|canary|demo|sandbox)\b/i
/** A ref that cannot be an English word: a SHA, a version, a branch with a slash; and the usual branches. */
const PLAINLY_A_REF = /[\d./_-]|^(main|master|develop|trunk|head)$/i

/** What each command takes: a command whose line does not read like that is prose. */
const TAKES: Readonly<Record<Verb, (line: Line) => Command | undefined>> = {
  plan: withText('plan'),
  build: withText('build'),
  fix: withText('fix'),
  review: alone('review'),
  ask: withText('ask', 'wanted'),
  answer: withText('answer', 'wanted'),
  reject: withText('reject'),
  approve,
  deploy: (line) => target('deploy', line),
  rollback: (line) => target('rollback', line),
  lock: (line) => place('lock', line),
  unlock: (line) => place('unlock', line),
  status: alone('status'),
  cost: alone('cost'),
  continue: extend,
  cancel: alone('cancel'),
  retry: alone('retry'),
  link: (line) => linked('link', line),
  unlink: (line) => linked('unlink', line),
  why: alone('why'),
  help: alone('help'),
}

/** These only tell; asked for with a question mark they mean the same, and what follows on other lines is no part of them. */
const TELLING: ReadonlySet<Verb> = new Set(['status', 'cost', 'why', 'help'])
const FREE: ReadonlySet<Verb> = new Set(['plan', 'build', 'fix', 'ask', 'answer', 'reject'])

/** A line that begins with a verb, taken apart. */
interface Line {
  readonly rest: readonly string[]
  /** All that was said after the verb, as it was said. */
  readonly text: string
  /** The author's own lines below. */
  readonly below: string
  readonly environments: readonly string[]
}

/**
 * The command that a call is. It is a whole line, or it is none: a verb with words that it has no use for is prose, which is a
 * request; what is nearly a command is told so, and does nothing.
 * @param environments the ones of the repository, as far as they are known
 */
export function readCall(call: Call, environments: readonly string[] = []): Command {
  const first = call.first.trim()
  if (first === '') return belowMention(call, environments)
  const { verb, line, bare, isAsked } = takenApart(first, call, environments)
  const found = isVerb(verb) ? command(verb, line, isAsked, bare) : undefined
  if (found) return found
  const told = line.below === '' ? (asksWhatItIs(bare) ? 'help' : askedFor(bare)) : undefined
  if (told) return { verb: told, text: '' }
  const near = unclear(bare, call.own.trim(), isVerb(verb) ? verb : undefined, (other, rest) =>
    fits(other, { ...line, rest, text: rest.join(' ') }),
  )
  return near ?? { verb: 'request', text: joined(first, call.more) }
}

/** The mention stands alone on its line: what follows is what was said. */
function belowMention({ more, own }: Call, environments: readonly string[]): Command {
  if (more.trim() === '') return { verb: 'help', text: '' }
  const [first = '', ...rest] = more.replace(/^\s*\n/, '').split('\n')
  // Code, quotes, lists and headings are no commands; they are what a request is about.
  if (/^(?: {4}|\t|\s{0,3}(?:`{3}|~{3}|[>#<]|[-*+] |\d{1,9}[.)] ))/.test(first))
    return { verb: 'request', text: more.trim() }
  const below = own.trim().split('\n').slice(1).join('\n')
  return readCall({ first, more: rest.join('\n'), own: below }, environments)
}

function takenApart(first: string, { more, own }: Call, environments: readonly string[]) {
  const { bare: said, isAsked } = lineOf(first)
  // What only tells may be asked for politely.
  const plain = withoutPoliteness(said.toLowerCase())
  const bare = isVerb(plain) && (TELLING.has(plain) || plain === 'retry') ? plain : said
  const [word = '', ...rest] = bare.split(/\s+/)
  const verb = word.toLowerCase().replace(/[,:]$/, '')
  const isFree = isVerb(verb) && FREE.has(verb)
  const text = isFree ? joined(rest.length === 0 ? '' : first.slice(word.length).trim(), more) : rest.join(' ')
  return { verb, bare, isAsked, line: { rest, text, below: own.trim(), environments } }
}

function command(verb: Verb, line: Line, isAsked: boolean, bare: string): Command | undefined {
  const option = line.rest.find((argument) => /^--?[a-z]/i.test(argument))
  if (option && verb !== 'answer' && verb !== 'ask')
    return invalid(`\`${verb}\` knows no option \`${option.slice(0, 60).replace(/`/g, '')}\`.`)
  const found = TAKES[verb](line)
  if (found === undefined || found.verb === 'invalid' || FREE.has(verb) || TELLING.has(verb)) return found
  if (isAsked)
    return {
      verb: 'unclear',
      kind: verb === 'approve' ? 'approval' : 'typo',
      text: `${bare}?`,
      meant: bare.toLowerCase(),
    }
  return line.below === '' || (verb !== 'approve' && isThanks(line.below)) ? found : standsAlone(verb)
}

function isThanks(below: string): boolean {
  return unclear(lineOf(below).bare, '', undefined, () => false)?.kind === 'courtesy'
}

function standsAlone(verb: Verb): Command {
  return verb === 'approve'
    ? invalid('`approve` stands alone or with the SHA that is approved; nothing was approved.')
    : invalid(`\`${verb}\` stands alone, with no lines below it; nothing was done.`)
}

/** Whether a line would be a command if it began with this verb. */
function fits(verb: Verb, line: Line): boolean {
  const found = TAKES[verb](line)
  if (found === undefined || found.verb === 'invalid') return false
  // Any words would do after these: then a word that only looks like it begins prose.
  return verb === 'answer' || verb === 'reject' || !FREE.has(verb) || line.rest.length === 0
}

function joined(first: string, more: string): string {
  return [first, more.trim()].filter(Boolean).join('\n')
}

function invalid(reason: string): Command {
  return { verb: 'invalid', reason }
}

function withText(
  verb: 'plan' | 'build' | 'fix' | 'ask' | 'answer' | 'reject',
  text: 'wanted' | 'possible' = 'possible',
) {
  return (line: Line): Command =>
    text === 'wanted' && line.text === '' ? invalid(`\`${verb}\` wants some text after it.`) : { verb, text: line.text }
}

function alone(verb: 'review' | 'status' | 'cost' | 'cancel' | 'retry' | 'why' | 'help') {
  return ({ rest }: Line): Command | undefined => (rest.length === 0 ? { verb, text: '' } : undefined)
}

function approve({ rest }: Line): Command {
  const [sha] = rest
  if (rest.length === 0) return { verb: 'approve', sha: undefined }
  if (rest.length === 1 && sha && /^[0-9a-f]{7,64}$/i.test(sha)) return { verb: 'approve', sha: sha.toLowerCase() }
  return standsAlone('approve')
}

function target(verb: 'deploy' | 'rollback', { rest: words, environments }: Line): Command | undefined {
  // "deploy to production", "deploy production please"
  const [first, ...others] = words.filter((word, index) => index === 0 || !/^(please|pls|now|thanks|thx)$/i.test(word))
  const rest = first?.toLowerCase() === 'to' ? others : words.length > 0 ? [first ?? '', ...others] : []
  const [environment = '', ref] = rest
  const isPlace = environments.includes(environment) || PLACES.test(environment)
  if (rest.length === 0) return invalid(`\`${verb}\` wants the name of an environment, as in \`${verb} production\`.`)
  if (!NAME.test(environment))
    return invalid(`\`${verb}\` wants the name of an environment, as in \`${verb} production\`.`)
  if (rest.length === 1) return { verb, environment, ref }
  if (rest.length > 2 || ref === undefined || !REF.test(ref))
    return isPlace || !/^[a-z]+$/i.test(ref ?? '')
      ? invalid(`\`${verb} <env> [<ref>]\`: that is not a ref.`)
      : undefined
  return isPlace || PLAINLY_A_REF.test(ref) ? { verb, environment, ref } : undefined
}

/** `lock contention in the worker` is prose. */
function place(verb: 'lock' | 'unlock', { rest, environments }: Line): Command | undefined {
  const [environment = ''] = rest
  const isPlace = environments.includes(environment) || PLACES.test(environment)
  if (rest.length > 1 && !isPlace) return undefined
  return NAME.test(environment)
    ? { verb, environment, text: rest.slice(1).join(' ') }
    : invalid(`\`${verb}\` wants the name of an environment.`)
}

/** Channels write addresses as Markdown links, or between angle brackets. */
function linked(verb: 'link' | 'unlink', { rest }: Line): Command | undefined {
  if (rest.length === 0 && verb === 'unlink') return { verb, url: undefined }
  if (rest.length > 1) return undefined
  const address = /https?:\/\/[^\s<>()\]]+/.exec(rest[0] ?? '')?.[0]
  return address !== undefined && URL.canParse(address)
    ? { verb, url: new URL(address) }
    : invalid(`\`${verb}\` wants one address, as in \`${verb} https://…\`.`)
}

function extend({ rest }: Line): Command | undefined {
  // As it is asked.
  if (rest.length === 0 || /^without (proof|tests)$/i.test(rest.join(' '))) return { verb: 'continue', usd: undefined }
  const usd = Number(/^\+?\$?(\d{1,5}(?:\.\d{1,2})?)$/.exec(rest.join(''))?.[1])
  if (usd > 0) return { verb: 'continue', usd }
  return /^[a-z]/i.test(rest[0] ?? '') ? undefined : invalid('`continue +$N` wants an amount, as in `continue +$2`.')
}
