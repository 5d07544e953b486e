import { type Command, isVerb, type Verb, VERBS } from './command.ts'
import { addedBy, addedWords, parseAdded } from './commands/added.ts'
import { invalid, type Line } from './commands/define.ts'
import { COMMANDS, parseAs } from './commands/registry.ts'
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

/**
 * The command that a call is. It is a whole line, or it is none: a verb with words that it has no use for is prose, which is a
 * request; what is nearly a command is told so, and does nothing.
 * @param environments the ones of the repository, as far as they are known
 */
export function readCall(call: Call, environments: readonly string[] = []): Command {
  const first = call.first.trim()
  if (first === '') return belowMention(call, environments)
  const { verb, line, bare, isAsked } = takenApart(first, call, environments)
  const added = addedBy(verb)
  const found = isVerb(verb) ? command(verb, line, isAsked, bare) : added && parseAdded(added, line)
  if (found) return found
  const told = line.below === '' ? (asksWhatItIs(bare) ? 'help' : askedFor(bare)) : undefined
  if (told) return { verb: told, text: '' }
  const near = unclear(
    bare,
    call.own.trim(),
    isVerb(verb) || added ? verb : undefined,
    (other, rest) => fits(other, { ...line, rest, text: rest.join(' ') }),
    [...VERBS, ...addedWords()],
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

/** What only tells, and what decides nothing, may be asked for politely. */
function mayBeAskedFor(plain: string): boolean {
  const [word = '', ...rest] = plain.split(/\s+/)
  if (!isVerb(word)) return false
  const { tells, politely = false } = COMMANDS[word]
  if (rest.length === 0) return tells || politely
  return politely && parseAs(word, { rest, text: rest.join(' '), below: '', environments: [] }) !== undefined
}

function takenApart(first: string, { more, own }: Call, environments: readonly string[]) {
  const { bare: said, isAsked } = lineOf(first)
  const plain = withoutPoliteness(said.toLowerCase())
  const bare = mayBeAskedFor(plain) ? plain : said
  const [word = '', ...rest] = bare.split(/\s+/)
  const verb = word.toLowerCase().replace(/[,:]$/, '')
  const isFree = isVerb(verb) ? COMMANDS[verb].takesWords : addedBy(verb)?.takesWords === true
  const text = isFree ? joined(rest.length === 0 ? '' : first.slice(word.length).trim(), more) : rest.join(' ')
  return { verb, bare, isAsked, line: { rest, text, below: own.trim(), environments } }
}

function command(verb: Verb, line: Line, isAsked: boolean, bare: string): Command | undefined {
  const option = line.rest.find((argument) => /^--?[a-z]/i.test(argument))
  const isKnown = option !== undefined && isVerb(verb) && COMMANDS[verb].options?.includes(option.toLowerCase())
  if (option && !isKnown && verb !== 'answer' && verb !== 'ask')
    return invalid(`\`${verb}\` knows no option \`${option.slice(0, 60).replace(/`/g, '')}\`.`)
  const { takesWords, tells } = COMMANDS[verb]
  const found = parseAs(verb, line)
  if (found === undefined || found.verb === 'invalid' || takesWords || tells) return found
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

/** Whether a line would be a command if it began with this word. */
function fits(verb: string, line: Line): boolean {
  // Whatever a plug-in's takes, any words would do.
  if (!isVerb(verb)) return line.rest.length === 0
  const found = parseAs(verb, line)
  if (found === undefined || found.verb === 'invalid') return false
  // Any words would do after these: then a word that only looks like it begins prose.
  return verb === 'answer' || verb === 'reject' || !COMMANDS[verb].takesWords || line.rest.length === 0
}

function joined(first: string, more: string): string {
  return [first, more.trim()].filter(Boolean).join('\n')
}
