import type { Check } from './releases/types.ts'
import { styleText } from 'node:util'
import type { Entry } from './github/world.ts'

/** Tells what happens, as it happens: who, where, what. */
export interface Narrator {
  say(line: string): void
  entry(entry: Entry): void
  progress(line: string): void
  summary(summary: Summary): void
  /** The last word of a story of releases. */
  checked(checked: Checked): void
  stop(): void
}

/** What a story of releases came to. */
export interface Checked {
  readonly kind: 'summary'
  readonly ok: boolean
  readonly outcome: string
  readonly checks: readonly Check[]
  /** A model has a part in it, whose words were recorded. */
  readonly asksModel: boolean
  readonly seconds: number
  readonly kept: boolean
}

/** The last word of a rehearsal: everything in it was looked up from the outside. */
export interface Summary {
  readonly kind: 'summary'
  readonly ok: boolean
  readonly outcome: string
  /** Null where it was asked for in a ticket. */
  readonly issue: {
    readonly number: number
    readonly title: string
    readonly url: string
    readonly closed: boolean
  } | null
  readonly pullRequest: {
    readonly number: number
    readonly headSha: string
    readonly merged: boolean
    readonly url: string
  } | null
  readonly proof: { readonly red: boolean; readonly green: boolean } | null
  readonly review: { readonly comments: number; readonly answered: number }
  readonly deployment: {
    readonly environment: string
    readonly sha: string
    readonly url: string
    readonly verdict: string
  } | null
  readonly effects: { readonly sent: number; readonly duplicates: number }
  readonly cost: { readonly usd: number; readonly turns: number }
  readonly seconds: number
  readonly problems: readonly string[]
  /** In the stories over several channels: what can be seen there. */
  readonly conversation?: Readonly<Record<string, boolean>>
  /** The model's words came from a story. */
  readonly recorded: boolean
  /** Everything keeps running after this. */
  readonly kept: boolean
}

const COLOURS: Readonly<Record<string, 'cyan' | 'magenta' | 'yellow' | 'green' | 'blue'>> = {
  alice: 'cyan',
  bob: 'magenta',
  carol: 'yellow',
  'muster[bot]': 'green',
}
const MAX_LINES = 26
const WIDTH = 118

export function jsonNarrator(write: (text: string) => void): Narrator {
  const line = (value: unknown) => write(`${JSON.stringify(value)}\n`)
  return {
    say: (text) => line({ kind: 'note', text }),
    entry: ({ at, who, what, where, text }) =>
      line({ kind: 'event', at: new Date(at).toISOString(), who, what, where, text: text.slice(0, 4000) }),
    progress: () => {},
    summary: line,
    checked: line,
    stop: () => {},
  }
}

/** For a person at a terminal: colours where there are any, and a live line while waiting. */
export function textNarrator(stream: NodeJS.WriteStream): Narrator {
  const started = Date.now()
  const live = stream.isTTY
  let shown = ''
  let lastStatus = ''
  const paint = (style: Parameters<typeof styleText>[0], text: string) => styleText(style, text, { stream })
  const print = (text: string) => {
    if (live && shown) stream.write('\r\u001b[K')
    stream.write(`${text}\n`)
    if (live && shown) stream.write(shown)
  }
  const clock = (at: number) => {
    const seconds = Math.max(0, Math.round((at - started) / 1000))
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
  }
  return {
    say: (line) => print(line === '' ? '' : paint('bold', line)),
    entry(entry) {
      const status = entry.what === 'edited' ? statusLine(entry.text) : undefined
      if (status !== undefined) {
        if (status === lastStatus) return
        lastStatus = status
        return print(
          `${paint('dim', clock(entry.at).padStart(5))}  ${paint('dim', `status comment on ${entry.where}: ${status}`)}`,
        )
      }
      // What was decided is written above what was asked, which stands there already.
      const body = entry.what === 'edited' ? newsIn(textOf(entry)) : textOf(entry)
      const who = entry.who.replace('[bot]', '')
      print(
        `${paint('dim', clock(entry.at).padStart(5))}  ${paint([COLOURS[entry.who] ?? 'blue', 'bold'], who)} ${entry.what} ${paint('bold', entry.where)}${body.includes('\n') || body.length > 60 ? '' : ` ${body}`}`,
      )
      if (body.includes('\n') || body.length > 60)
        for (const line of wrapped(body)) print(`         ${paint('dim', '│')} ${line}`)
    },
    progress(line) {
      if (!live) return
      shown = line ? paint('dim', `       … ${line}`.slice(0, (stream.columns ?? 120) - 1)) : ''
      stream.write(`\r\u001b[K${shown}`)
    },
    summary: (summary) => print(summaryText(summary, paint)),
    checked: (checked) => print(checkedText(checked, paint)),
    stop() {
      if (live && shown) stream.write('\r\u001b[K')
      shown = ''
    },
  }
}

/** A comment without what only makes sense on a page. */
function textOf({ text, where }: Entry): string {
  // On GitHub the words come as Markdown, where signs are escaped.
  const source = /^#\d/.test(where) ? text.replace(/\\([!-/:-@[-`{-~])/g, '$1') : text
  return source
    .replace(/<!--.*?-->\n?/g, '')
    .replace(/```mermaid[\s\S]*?```/g, '')
    .replace(/<details><summary>(.*?)<\/summary>[\s\S]*?<\/details>/g, '▸ $1 (folded)')
    .replace(/^> \[!IMPORTANT\]\n> \*\*(.*)\*\*$/gm, '⚑ $1')
    .replace(/^\|[\s|-]*\|$\n?/gm, '')
    .replace(/^\| *(.*?) *\|$/gm, (_all, row: string) => row.replace(/ *\| */g, '  '))
    .replace(/^#+ /gm, '')
    .replace(/\*\*/g, '')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/\u200b/g, '')
    .replace(/\n{2,}/g, '\n')
    .trim()
}

/** What is new in a message that was rewritten. */
function newsIn(text: string): string {
  const lines = text.split('\n')
  return lines.find((line) => /^\p{Extended_Pictographic}/u.test(line)) ?? lines[0] ?? ''
}

/** The one line of the status comment that says where the work stands; undefined: it is something else. */
function statusLine(text: string): string | undefined {
  // In chats and tickets the words come without their marks.
  const line = text
    .split('\n')
    .find((one) => /^(\*\*)?(?:Working|Waiting|Done|Cancelled|Handed)\b.* · <?\$\d/.test(one))
  return line?.replace(/\*\*/g, '').replace(/ · [^·]*(?: s| min)$/, '')
}

function wrapped(text: string): string[] {
  const lines = text
    .split('\n')
    .flatMap((line) => line.match(new RegExp(`.{1,${WIDTH}}(?:\\s|$)|.{1,${WIDTH}}`, 'g')) ?? [''])
  return lines.length > MAX_LINES
    ? [...lines.slice(0, MAX_LINES - 1), `… (${lines.length - MAX_LINES + 1} more lines)`]
    : lines
}

/** What is looked at in the other channels, in words. */
const CHECKS: Readonly<Record<string, string>> = {
  oneCard: 'One status card a place, edited as the work goes on',
  linkedBack: 'The issue leads back to where it was asked',
  answeredByBob: 'The question was answered in Jira, by bob',
  answeredByAlice: 'The question was answered in Jira, by alice',
  planApproved: 'The plan was approved by alice, where she is',
  refusedOwnDeploy: 'Alice could not approve her own deploy',
  deployApprovedByBob: 'The deploy was approved by a second person, bob',
  reportInPlace: 'The report of the release stands in the same conversation',
  ticketDone: 'The ticket moved with the work, and is done',
  ticketLinks: 'The ticket links to the pull request and the deployment',
  nothingTwice: 'Nothing was written twice anywhere',
}

type Paint = (style: Parameters<typeof styleText>[0], text: string) => string

function headOf({ ok, outcome }: Pick<Summary, 'ok' | 'outcome'>, paint: Paint): string[] {
  const head = ok
    ? paint(['green', 'bold'], 'All of it happened.')
    : paint(['red', 'bold'], `It ended otherwise: ${outcome}`)
  return ['', head, '']
}

function goneOf({ kept }: Pick<Summary, 'kept'>, paint: Paint): string[] {
  const gone = '  These addresses are gone now; `npm run demo -- --keep` leaves everything running to look at.'
  return kept ? [] : [paint('dim', gone)]
}

function checkedText(checked: Checked, paint: Paint): string {
  const rows = checked.checks.map(({ what, ok, seen }) => {
    const instead = !ok && seen ? ` (${seen})` : ''
    return `${ok ? paint('green', '✓') : paint('red', '✗')} ${what}${instead}`
  })
  const time = `  Time           ${checked.seconds.toFixed(0)} s${checked.asksModel ? '; the words of the model were recorded' : '; no model had a part in it'}`
  return [...headOf(checked, paint), ...rows, time, ...goneOf(checked, paint), ''].join('\n')
}

function summaryText(summary: Summary, paint: Paint): string {
  const { issue, pullRequest, proof, review, deployment, effects, cost, seconds } = summary
  const tick = (good: boolean) => (good ? paint('green', '✓') : paint('red', '✗'))
  const rows = [
    ...(issue
      ? [`${tick(issue.closed)} Issue          #${issue.number} ${issue.closed ? 'closed' : 'open'}   ${issue.url}`]
      : []),
    ...Object.entries(summary.conversation ?? {}).map(([name, good]) => `${tick(good)} ${CHECKS[name] ?? name}`),
    pullRequest
      ? `${tick(pullRequest.merged)} Pull request   #${pullRequest.number} ${pullRequest.merged ? 'merged' : 'not merged'}   ${pullRequest.url}`
      : `${tick(false)} Pull request   none`,
    proof
      ? `${tick(proof.red && proof.green)} Proof          new test ${proof.red ? 'fails' : 'passes'} without the change, ${proof.green ? 'passes' : 'fails'} with it`
      : `${tick(false)} Proof          none`,
    `${tick(review.comments === review.answered)} Review         ${review.answered} of ${review.comments} comments answered`,
    deployment
      ? `${tick(deployment.verdict === 'healthy')} Deployment     ${deployment.sha.slice(0, 7)} on ${deployment.environment}: ${deployment.verdict}   ${deployment.url}`
      : `${tick(false)} Deployment     none`,
    `${tick(effects.duplicates === 0)} Effects        ${effects.sent} seen on GitHub, ${effects.duplicates} twice`,
    `  Cost           $${cost.usd.toFixed(2)} for ${cost.turns} model turns, at list price${summary.recorded ? ' (recorded: nothing was charged now)' : ''}`,
    `  Time           ${seconds.toFixed(0)} s`,
  ]
  return [
    ...headOf(summary, paint),
    ...rows,
    ...goneOf(summary, paint),
    ...summary.problems.map((problem) => paint('red', `  ! ${problem}`)),
    '',
  ].join('\n')
}
