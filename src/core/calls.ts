import type { Command } from './command.ts'
import { readCall } from './commandline.ts'
import { visibleIn } from './visible.ts'

/** What Muster was told in a text. */
export interface Told {
  /** In the order in which they stand. */
  readonly commands: readonly Command[]
  /** It was spoken to in the middle of a sentence, and in no command. */
  readonly isAddressed: boolean
  /** It was named otherwise than in passing ("cc @muster"): on a channel where a mention is a call, that is one. */
  readonly isNamed: boolean
}

const NOTHING: Told = { commands: [], isAddressed: false, isNamed: false }
const TOO_MUCH =
  'This text is longer, or has more markup, than I read commands from, so nothing of it was done. Please put the command into a message of its own.'

/**
 * The commands in a text: each stands at the start of a visible line as `@name …` or `/name …`, and has the lines below it up to
 * the next one.
 * @param names what Muster is called, without `@`
 * @param environments the repository's, as far as they are known
 */
export function toldIn(text: string, names: readonly string[], environments: readonly string[] = []): Told {
  const { anywhere, leading, mention } = patternsFor(names)
  if (!anywhere.test(text)) return NOTHING
  const seen = visibleIn(text, mention)
  if (!seen)
    return isCalled(text, leading) ? { ...NOTHING, commands: [{ verb: 'invalid', reason: TOO_MUCH }] } : NOTHING
  const { lines, found, foreign } = seen
  const starts = found.filter(({ leads }) => leads).map(({ line }) => line)
  const read = [...new Set(starts)].map((start, nth, all) => {
    const below = lines
      .slice(start + 1, all[nth + 1])
      .map((words, index) => ({ words, isForeign: foreign.has(start + 1 + index) }))
    return readCall(
      {
        first: leading.exec(lines[start] ?? '')?.[1] ?? '',
        more: below.map(({ words }) => words).join('\n'),
        own: below.flatMap(({ words, isForeign }) => (isForeign ? [] : [words])).join('\n'),
      },
      environments,
    )
  })
  const commands = together(read)
  const mentions = found.map(({ line }) => around(lines[line] ?? '', anywhere)).filter((one) => !isPassing(one))
  return { commands, isAddressed: commands.length === 0 && mentions.some(speaksTo), isNamed: mentions.length > 0 }
}

/** So many commands of one comment are carried out; nobody writes more. */
const MOST = 10
/** Beside one of these an approval is not the whole of what its author says. */
const RESERVES: ReadonlySet<Command['verb']> = new Set(['request', 'unclear', 'reject', 'cancel'])

/** What the commands of one comment come to together. */
function together(commands: readonly Command[]): readonly Command[] {
  const hasReserve = commands.some(({ verb }) => RESERVES.has(verb))
  const all = commands.map(
    (command): Command =>
      command.verb === 'approve' && hasReserve
        ? {
            verb: 'invalid',
            reason: 'There is more in this message than an approval, so nothing was approved. `approve` stands alone.',
          }
        : command,
  )
  if (all.length <= MOST) return all
  return [
    ...all.slice(0, MOST - 1),
    {
      verb: 'invalid',
      reason: `These are more than ${MOST} commands in one message; the ones from here on are left undone.`,
    },
  ]
}

/** How Muster's names are found. What goes on after a name is another name: `@muster.yml`, `/muster:latest`, `@muster-x`. */
export function patternsFor(names: readonly string[]): Readonly<Record<'anywhere' | 'leading' | 'mention', RegExp>> {
  const name = `(?:${names.map(escape).join('|')})(?:\\[bot\\])?(?![\\w-]|[.:/@]\\w)`
  return {
    anywhere: new RegExp(`(?<![\\w@/.-])[@/]${name}`, 'i'),
    leading: new RegExp(`^[ \\t]*[@/]${name}[,:!?.]?(.*)$`, 'is'),
    mention: new RegExp(`(?:^[ \\t]*[@/]|(?<![\\w@/.-])@)${name}`, 'gi'),
  }
}

/** The commands alone. */
export function findCommands(
  text: string,
  names: readonly string[],
  environments?: readonly string[],
): readonly Command[] {
  return toldIn(text, names, environments).commands
}

function isCalled(text: string, leading: RegExp): boolean {
  return text.split(/\r\n|\r|\n/).some((line) => leading.test(line))
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** What stands before and after a mention on its line. */
interface Around {
  readonly before: string
  readonly after: string
}

function around(line: string, mention: RegExp): Around {
  const hit = mention.exec(line)
  return hit
    ? { before: line.slice(0, hit.index), after: line.slice(hit.index + hit[0].length) }
    : { before: '', after: '' }
}

/** Spoken of, not to: "cc @muster", "as @muster said". */
function isPassing({ before, after }: Around): boolean {
  return (
    /\b(cc|fyi|via|by|as|like|with|from|per|told|of|about|thanks to|see)[:,]?\s*$/i.test(before.slice(-100)) ||
    /^(['’]s\b|\s+(says?|said|did|does|has|had|is|was|were|wrote|writes|suggest|propos|found|thinks?|already|opened|made|fixed|waits?|waited|needs|asks|asked)\b)/i.test(
      after.slice(0, 100),
    )
  )
}

/** Called on, greeted, or asked for something. */
function speaksTo({ before, after }: Around): boolean {
  const [left, right] = [before.slice(-100).trimEnd(), after.slice(0, 400)]
  const isGreeted =
    left === '' ||
    /[.!?,;:]$|\b(hey|hi|hello|ok|okay|dear|please|pls|so|yo|thanks( anyway| though)?|thank you|good (morning|afternoon|evening|day))$/i.test(
      left,
    )
  const isCalledOn =
    /^\s*[,:]|^\s+(please|pls|can|could|would|will|you|what|why|how|when|where|which|do|take|have|any)\b/i
  return isGreeted || isCalledOn.test(right) || /\?|\b(please|pls)\b/i.test(left + right)
}
