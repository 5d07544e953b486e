import { visibleLines } from './visible.ts'

/** Every command of the public interface, with its help. Help is part of the registration, so it cannot be forgotten. */
export const VERBS = {
  plan: 'write the plan and wait for approval before building',
  build: 'do the work of this issue',
  review: 'review this pull request (not available yet)',
  fix: 'do the work of this issue',
  ask: '`ask <question>` answer a question about the code, change nothing',
  approve: '`approve [<sha>]` approve what is waiting (the plan, or the deploy)',
  reject: '`reject [reason]` send the plan back, with the reason',
  answer: '`answer <text>` answer the questions asked',
  deploy: '`deploy <env> [<ref>]` plan a release of the merged work',
  rollback: '`rollback <env> [<sha>]` (not available yet)',
  lock: '`lock <env> [reason]` (not available yet)',
  unlock: '`unlock <env>` (not available yet)',
  status: 'where the work stands',
  cost: 'what it has cost so far, by step',
  continue: '`continue [+$N]` go on after the budget was reached, with N dollars more',
  cancel: 'stop the work and say what remains where',
  retry: 'try the failed step again',
  link: '`link <url>` let this conversation be held there as well: a Slack thread, a ticket, an issue',
  unlink: '`unlink [<url>]` let this place (or that one) go its own way again',
  why: 'what was decided on the latest events here, and why',
  help: 'this list',
} as const

export type Verb = keyof typeof VERBS

/** A command as a person wrote it; `request` is free text after the mention. */
export type Command =
  | {
      readonly verb: Exclude<
        Verb,
        'approve' | 'deploy' | 'rollback' | 'lock' | 'unlock' | 'continue' | 'link' | 'unlink'
      >
      readonly text: string
    }
  | { readonly verb: 'link'; readonly url: URL }
  /** Without an address, the place where it is said. */
  | { readonly verb: 'unlink'; readonly url: URL | undefined }
  | { readonly verb: 'approve'; readonly sha: string | undefined }
  | { readonly verb: 'deploy' | 'rollback'; readonly environment: string; readonly ref: string | undefined }
  | { readonly verb: 'lock' | 'unlock'; readonly environment: string; readonly text: string }
  | { readonly verb: 'continue'; readonly usd: number | undefined }
  | { readonly verb: 'request'; readonly text: string }
  | { readonly verb: 'invalid'; readonly reason: string }

const MAX_TEXT = 65_536
const NAME = /^[\w][\w.-]{0,63}$/
const REF = /^[\w][\w./-]{0,199}$/

/**
 * The commands in a comment: each stands at the start of a visible line as `@name …` or `/name …`, and takes the
 * following lines up to the next command as its text.
 * @param names what Muster is called, without `@`
 */
export function findCommands(text: string, names: readonly string[]): Command[] {
  const trigger = new RegExp(
    `^ {0,3}[@/](?:${names.map(escape).join('|')})(?:\\[bot\\])?(?=$|[\\s,:!?.])[,:!?.]?(.*)`,
    'is',
  )
  const found: string[][] = []
  for (const line of visibleLines(text.slice(0, MAX_TEXT))) {
    const hit = trigger.exec(line.text)
    if (hit) found.push([hit[1] ?? ''])
    else found.at(-1)?.push(line.text)
  }
  return found.map(([first = '', ...more]) => parse(first.trim(), more.join('\n').trim()))
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function isVerb(word: string): word is Verb {
  return Object.hasOwn(VERBS, word)
}

function parse(first: string, more: string): Command {
  if (first === '' && more === '') return { verb: 'help', text: '' }
  const [word = '', ...rest] = first.split(/\s+/)
  const verb = word.toLowerCase()
  if (!isVerb(verb)) return { verb: 'request', text: joined(first, more) }
  const option = rest.find((argument) => /^--?[a-z]/i.test(argument))
  if (option && verb !== 'answer' && verb !== 'ask') {
    return invalid(`\`${verb}\` knows no option \`${option.slice(0, 60).replace(/`/g, '')}\`.`)
  }
  return withArguments(verb, rest, joined(first.slice(word.length).trim(), more))
}

function joined(first: string, more: string): string {
  return [first, more].filter(Boolean).join('\n')
}

function withArguments(verb: Verb, rest: readonly string[], text: string): Command {
  switch (verb) {
    case 'approve':
      return approve(rest)
    case 'deploy':
    case 'rollback':
      return target(verb, rest)
    case 'lock':
    case 'unlock':
      return NAME.test(rest[0] ?? '')
        ? { verb, environment: rest[0] ?? '', text: rest.slice(1).join(' ') }
        : invalid(`\`${verb}\` wants the name of an environment.`)
    case 'continue':
      return extend(rest)
    case 'link':
    case 'unlink':
      return linked(verb, rest)
    case 'ask':
    case 'answer':
      return text === '' ? invalid(`\`${verb}\` wants some text after it.`) : { verb, text }
    default:
      return { verb, text }
  }
}

function approve(rest: readonly string[]): Command {
  const [sha] = rest
  if (rest.length === 0) return { verb: 'approve', sha: undefined }
  if (rest.length === 1 && sha && /^[0-9a-f]{7,64}$/i.test(sha)) return { verb: 'approve', sha: sha.toLowerCase() }
  return invalid('`approve` stands alone or with the SHA that is approved; nothing was approved.')
}

function target(verb: 'deploy' | 'rollback', rest: readonly string[]): Command {
  const [environment = '', ref] = rest
  if (!NAME.test(environment))
    return invalid(`\`${verb}\` wants the name of an environment, as in \`${verb} production\`.`)
  if (rest.length > 2 || (ref !== undefined && !REF.test(ref)))
    return invalid(`\`${verb} <env> [<ref>]\`: that is not a ref.`)
  return { verb, environment, ref }
}

/** Channels write addresses as Markdown links, or between angle brackets. */
function linked(verb: 'link' | 'unlink', rest: readonly string[]): Command {
  if (rest.length === 0 && verb === 'unlink') return { verb, url: undefined }
  const address = rest.length === 1 ? /https?:\/\/[^\s<>()\]]+/.exec(rest[0] ?? '')?.[0] : undefined
  return address !== undefined && URL.canParse(address)
    ? { verb, url: new URL(address) }
    : invalid(`\`${verb}\` wants one address, as in \`${verb} https://…\`.`)
}

function extend(rest: readonly string[]): Command {
  if (rest.length === 0) return { verb: 'continue', usd: undefined }
  const usd = Number(/^\+?\$?(\d{1,5}(?:\.\d{1,2})?)$/.exec(rest.join(''))?.[1])
  return usd > 0 ? { verb: 'continue', usd } : invalid('`continue +$N` wants an amount, as in `continue +$2`.')
}

function invalid(reason: string): Command {
  return { verb: 'invalid', reason }
}
