import { type Unclear, VERBS } from './command.ts'

/** What is nearly a command, or polite: people mistype, say it in other words, and thank. None of it is a request. */

const APPROVAL =
  /^(lgtm|sgtm|(i )?approved?|(i )?approve (it|this|that|(the|this) (plan|deploy|release)|please)|approved by me|(please|pls) approve|ship it|ship|looks? (good|great|fine)( to me)?|sounds? (good|great)( to me)?|all good|(the )?plan (is|looks) (ok|okay|good|fine|great)|(nice|great|good|excellent|lovely|(i )?(like|love)( the| this)?) plan|perfect|accepted?|agreed?|merge( it)?|let'?s go|lets go)$/
const ASSENT =
  /^(n|no|nope|nah|y|yes|yep|yeah|yup|ok|okay|k|sure|of course|please do|do it|do that|go|go ahead|go on|go for it|proceed|\+1|👍|✅|🚀)( please)?$/u
/** Said before another of these: "ok go ahead". */
const YES_FIRST = /^(ok|okay|yes|yep|yeah|sure|great|cool|hey|hi|no|nope|oh|ah|sorry|hm+)\s+/
const STOP =
  /^(please )?(stop|abort|pause|halt|kill|quit|end|hold|hold on|wait|freeze|suspend|undo|revert|never mind|nevermind|nvm|forget it|not now|don'?t( do)?|not yet|(we|i) (don'?t|do not) (need|want) (it|this|that)( any ?more)?|hold off|wait for [\w@-]{1,40}|(stop|cancel|end) (working on|building|the build))( it| this| that| everything| please| (right )?now| the work| the task)?( please)?$/
const COURTESY =
  /^((many |much )?thanks?( you)?( so much| very much| a lot| again)?|thx|ty|cheers|great|nice|cool|awesome|amazing|excellent|wonderful|good|good (job|work|bot|morning|evening|night)|well done|great (job|work)|nice (job|work|one)|welcome|(sorry|apologies)( for (that|this|it|the (noise|trouble|confusion|delay)))?|no worries|(many )?thanks (anyway|though)|my bad|hm+|please|bye|test|🙏|❤️|🎉|😀|🙂)$/u
const GREETING =
  /^((hi|hello|hey|good (morning|afternoon|evening|day)|greetings|ping|👋)( [\p{L}\d._-]{1,30})?|(and )?how are you( doing)?( today)?|how('s| is) it going|how do you do|what'?s up|are you (there|here|up|awake|ok|okay)|nice to meet you)$/u
/** Asks what Muster is: that is what `help` tells. */
const WHAT_IS_IT =
  /^((so )?what (can|do) you do( here| now| for (me|us))?|who are you|what are you|how (do|can) (i|we) use you|how do you work|(how )?can you help( me| us)?|help (me|us)|what (commands|words) do you (know|have|understand))$/
/** Said by somebody who was asked, and no answer yet. */
const PUT_OFF =
  /^((that's |that is )?(a )?good question|(one|a|just a) (moment|second|sec|minute)|brb|(let me|i'?ll|i will|i have to|i need to|we need to) (just )?(ask|check|think|see|look|find out|get back|come back)( .{1,60})?)$/
const THANKS_FOR =
  /^(many )?(thanks|thank you|thx) (for|everyone|muster|all)\b(?!.*\b(but|however|please|can|could|would|still|also|now|and)\b)/
/** Alone, these add nothing to a command. */
const FILLER =
  /^(it|this|that|now|please|everything|all|again|(the |this )?(task|work|step|plan|issue|pr|build|deploy))$/

/** A line without what people put at its end: stops and exclamation marks mean nothing, a question mark asks. */
export function lineOf(text: string): { readonly bare: string; readonly isAsked: boolean } {
  const trimmed = text.trim()
  let end = trimmed.length
  while (end > 0 && '.!?…;, '.includes(trimmed[end - 1] ?? '')) end--
  return { bare: trimmed.slice(0, end), isAsked: trimmed.slice(end).includes('?') }
}

/** A line as it is compared: without capitals, and without the faces that people draw, unless it is nothing else. */
function plainOf(bare: string): string {
  const plain = bare.toLowerCase().replaceAll('’', "'").replace(/\s+/g, ' ')
  const words = plain
    .replace(/[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f]/gu, '')
    .replace(/(?<![^ ]):[a-z\d_+-]{2,30}:(?![^ ])/g, '')
    .replace(/(?<![^ ])[:;]-?[()dp](?![^ ])/g, '')
    .replace(/ +/g, ' ')
    .trim()
  return lineOf(words).bare || plain
}

/** Whether these arguments are a command's. */
type Fits = (word: string, rest: readonly string[]) => boolean

/**
 * @param bare the line after the mention, without its final marks
 * @param below the author's further lines: with those it is more than a word
 * @param verb the word of a command that the line begins with, where it goes on with words that it has no use for
 * @param fits whether these arguments are a command's
 * @param words those of all commands
 */
export function unclear(
  bare: string,
  below: string,
  verb: string | undefined,
  fits: Fits,
  words: readonly string[] = VERBS,
): Unclear | undefined {
  const text = bare.slice(0, 200)
  const said = (kind: Unclear['kind'], meant?: string): Unclear => ({ verb: 'unclear', kind, text, meant })
  const plain = plainOf(bare)
  const polite = withoutPoliteness(plain)
  const ending = below === '' ? endingOf(polite) : undefined
  if (ending !== undefined) return ending === 'stop' ? said('stop', 'cancel') : said('typo', 'cancel')
  if (verb !== undefined) {
    const rest = withoutPoliteness(plain.slice(verb.length).trim())
    return FILLER.test(rest) ? said('typo', verb) : undefined
  }
  const isAll = below === '' || isCourtesy(lineOf(below.toLowerCase()).bare)
  const kind = isAll ? kindOf(polite) : undefined
  if (kind !== undefined) return said(kind, kind === 'stop' ? 'cancel' : undefined)
  const asked = polite === plain ? undefined : politely(polite, fits, words)
  if (asked !== undefined) return said('typo', asked)
  const meant = misspelt(plain, fits, words)
  if (meant !== undefined) return said('typo', meant)
  return below === '' && isLoneWord(bare) ? said('word', nearest(plain, words)) : undefined
}

/** What a wish to stop is told apart from its reason by. */
const REASON = /[,;:!.] | [-–—] | (?:until|till|because|since|so|as (?:i|we)|before (?:i|we)) /
/** Said first, these end it, whatever the reason. */
const ENDS =
  /^((ok|okay|no|nope|oh|sorry|please|hey|thanks),? )?(stop|abort|pause|halt|wait|hold on|hold off|not yet|not now|don'?t|never mind|nevermind|nvm|forget it)( it| this| that| everything| (right )?now| please)*$/

/** A wish to stop or to cancel with its reason: "wait until monday", "cancel, we do it ourselves". */
function endingOf(plain: string): 'stop' | 'cancel' | undefined {
  const [first = '', reason] = plain.split(REASON, 2)
  if (reason === undefined || reason.trim() === '') return undefined
  const lead = lineOf(first).bare
  if (ENDS.test(lead) || (STOP.test(lead) && / (it|this|that|any ?more|now|please)$/.test(lead))) return 'stop'
  return /^(please )?cancel( it| this| that)?( please| pls)?$/.test(lead) ? 'cancel' : undefined
}

/** What the parts of a line may be, the strongest first: an end, an approval, a yes or no, thanks. */
const KINDS: readonly (readonly [Unclear['kind'], (part: string) => boolean])[] = [
  ['stop', (part) => STOP.test(part)],
  ['approval', (part) => APPROVAL.test(part)],
  ['assent', (part) => ASSENT.test(part)],
  ['courtesy', isCourtesy],
]

/** What a line is that consists of nothing but such parts; the strongest of them says which. */
function kindOf(text: string): Unclear['kind'] | undefined {
  const parts = text
    .split(/[,.!;]/)
    .map((part) => part.trim())
    .filter(Boolean)
  const isAny = (part: string): boolean =>
    KINDS.some(([, is]) => is(part)) || (YES_FIRST.test(part) && isAny(part.replace(YES_FIRST, '')))
  if (parts.length === 0 || parts.length > 5 || !parts.every(isAny)) return isCourtesy(text) ? 'courtesy' : undefined
  const said = parts.map((part) => part.replace(YES_FIRST, '') || part)
  return KINDS.find(([, is]) => [...parts, ...said].some(is))?.[0]
}

/** "please deploy production", "can you cancel this": the command that was asked for politely. */
function politely(polite: string, fits: Fits, words: readonly string[]): string | undefined {
  const [word = '', ...rest] = polite.split(' ')
  if (!words.includes(word)) return undefined
  if (FILLER.test(rest.join(' '))) return word
  return word !== 'answer' && word !== 'reject' && fits(word, rest) ? polite.slice(0, 120) : undefined
}

/** Whether a whole text is thanks or a greeting, and nothing else. */
export function isPolite(text: string): boolean {
  return isCourtesy(startOf(text))
}

/** As much of a text as tells whether it is polite, as it is compared. */
function startOf(text: string): string {
  return plainOf(lineOf(text.slice(0, 500)).bare)
}

/** What words within a sentence are nearly: an approval, a yes, a stop, thanks; never a command that was mistyped. */
export function spokenOf(text: string): Unclear | undefined {
  const found = unclear(lineOf(text).bare, '', undefined, () => false)
  return found && found.kind !== 'typo' && found.kind !== 'word' ? found : undefined
}

/** Whether somebody who was asked only says that they will answer. */
export function isPutOff(text: string): boolean {
  const parts = text.length < 300 ? partsOf(plainOf(text)) : []
  return parts.some((part) => PUT_OFF.test(part)) && parts.every((part) => PUT_OFF.test(part) || isCourtesy(part))
}

/** Whether it begins with thanks, praise or a greeting, whatever follows. */
export function beginsPolitely(text: string): boolean {
  const [first = ''] = partsOf(startOf(text))
  return isCourtesy(first)
}

/** Whether it begins with a greeting. */
export function isGreeting(text: string): boolean {
  const [first = ''] = partsOf(startOf(text))
  return GREETING.test(first)
}

/** Whether somebody asks what Muster can do, greetings and thanks aside. */
export function asksWhatItIs(text: string): boolean {
  if (text.length > 200) return false
  const rest = partsOf(plainOf(text)).filter((part) => !COURTESY.test(part) && !GREETING.test(part))
  return rest.length > 0 && rest.every((part) => WHAT_IS_IT.test(part))
}

function partsOf(text: string): string[] {
  return text
    .split(/[,.!?;\n]+ ?| and /)
    .map((part) => part.trim().replace(/^(yay|and|oh|ah|hm+|haha|wow|ok|okay) /, ''))
    .filter(Boolean)
}

function isCourtesy(text: string): boolean {
  const parts = partsOf(text)
  const isOne = (part: string) =>
    COURTESY.test(part) || GREETING.test(part) || (part.length < 80 && THANKS_FOR.test(part))
  return parts.length > 0 && parts.length < 6 && parts.every(isOne)
}

/** Without a please before or after it. */
export function withoutPoliteness(text: string): string {
  return text
    .replace(/^(can you|could you|would you),? /, '')
    .replace(/^(please|pls|kindly),? /, '')
    .replace(/,? (please|pls|now|thanks|thank you|thx)$/, '')
}

/** No command's word is longer (`commands/added.ts`), a letter or two more than it should have included. */
const LONGEST = 23

/** A letter or two wrong in a verb that stands alone or with what it takes: at most one in up to four letters. */
function misspelt(plain: string, fits: Fits, words: readonly string[]): string | undefined {
  const [word = '', ...rest] = plain.split(' ')
  const found = closest(word, words)
  if (found === undefined) return undefined
  const { verb, far } = found
  if (rest.length > 0) {
    // "rejected orders are not refunded": an inflection with more to it begins a sentence.
    if (word.startsWith(verb) || !fits(verb, rest)) return undefined
    // Any words would do after these, so that "select the first item" would be one of them.
    if ((verb === 'answer' || verb === 'reject') && (far > 1 || word[0] !== verb[0])) return undefined
  }
  return [verb, ...rest].join(' ').slice(0, 120)
}

function closest(word: string, words: readonly string[]): { readonly verb: string; readonly far: number } | undefined {
  if (word.length < 3 || word.length > LONGEST || words.includes(word)) return undefined
  const near = words
    .map((verb) => ({ verb, far: distance(word, verb), most: Math.min(word.length, verb.length) <= 4 ? 1 : 2 }))
    .filter(({ far, most }) => far <= most)
  return near.sort((one, other) => one.far - other.far)[0]
}

/** The command that a lone word begins with (`stat`, `cancelled`). */
function nearest(word: string, words: readonly string[]): string | undefined {
  return words.find((verb) => word.length > 2 && (verb.startsWith(word) || word.startsWith(verb)))
}

/** Scripts without spaces between words put a whole sentence into one; an address, a ticket or a path names what is meant. */
function isLoneWord(text: string): boolean {
  if (/\s/.test(text)) return false
  if (
    /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u.test(
      text,
    )
  )
    return false
  return !/[/#:<]|\w\.\w|-\d/.test(text)
}

/** Edits between two words: a letter more, less or other, or two that changed places (optimal string alignment). */
export function distance(one: string, other: string): number {
  const rows: number[][] = [Array.from({ length: other.length + 1 }, (_, index) => index)]
  for (let i = 1; i <= one.length; i++) {
    const row = [i]
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1] ? 0 : 1
      const swapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]
      row.push(
        Math.min(
          (rows[i - 1]?.[j] ?? 0) + 1,
          (row[j - 1] ?? 0) + 1,
          (rows[i - 1]?.[j - 1] ?? 0) + same,
          swapped ? (rows[i - 2]?.[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
    rows.push(row)
  }
  return rows[one.length]?.[other.length] ?? 0
}

/** Whether a line asks something, and nobody to do anything. */
export function isQuestion(text: string): boolean {
  const asked = text.trim()
  return (
    asked.endsWith('?') &&
    !asked.includes('\n') &&
    /^(how|what|why|when|where|who|which|whose|do|does|did|is|are|was|were|has|have|(can|could|would|will) (you|somebody|someone|anybody) (please )?(explain|tell|describe|say|clarify|remind))\b/i.test(
      asked,
    )
  )
}

/** What is told by a command, asked for in other words. */
const ASKS_FOR: readonly (readonly ['status' | 'cost', RegExp])[] = [
  [
    'status',
    /^(what('s| is) the (current )?(status|state)( here| of (this|it))?|is (it|this) (done|ready|finished)( yet)?|are you (done|ready|finished)( yet)?|(any|is there any|are there any) (news|updates?|progress)( here| yet)?|status update|where (are we|do we stand|does (it|this) stand)|how far (are you|is (it|this))( now)?|what are you (doing|working on)( now)?)$/,
  ],
  [
    'cost',
    /^(what|how much) (did|does|has|will) (it|this|that|all (of )?this) cost( us)?( so far| until now| in total)?$/,
  ],
]

/** The command that a question asks for. @param bare without its final marks */
export function askedFor(bare: string): 'status' | 'cost' | undefined {
  const plain = plainOf(bare.slice(0, 100))
  return ASKS_FOR.find(([, asks]) => asks.test(plain))?.[0]
}
