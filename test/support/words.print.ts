import { VERBS } from '../../src/core/command.ts'
import { COMMANDS } from '../../src/core/commands/registry.ts'
import { type At, type Row, WORDS } from './words.ts'

/** Prints `docs/commands.md`, from the table that the tests run: `node test/support/words.print.ts > docs/commands.md`. */

const WHERE: Readonly<Record<At, string>> = {
  nothing: 'Where there is no task yet',
  tests: 'While the tests cannot be run, before any work',
  question: 'While a question is open',
  work: 'While Muster works',
  plan: 'While a plan waits for approval',
  deploy: 'While a deploy waits for approval',
  end: 'After the end',
}
const BY = {
  requester: 'whoever asked for the work',
  team: 'somebody of the team',
  author: 'whoever wrote the issue, and may only read',
  reader: 'somebody who may only read',
}
/** What a row is taken for, as people would say it. */
const MEANS: Readonly<Record<string, string>> = {
  nothing_to_bisect: 'nothing: it says between which commits',
  plan_approved: 'the plan is approved',
  unclear: 'nothing is done; what to say is told',
  bad_argument: 'refused, with the reason',
  cancelled: 'the work is cancelled',
  noted: 'a note, for whoever works next',
  'open request': 'a request: the work begins',
  'open build|open fix': 'the work begins',
  'open ask': 'a question is answered',
  unknown_environment: 'refused, with the names that there are',
  'not_merged|deploy_requested': 'the command `deploy`',
  status: 'the command `status`',
  help: 'the command `help`',
  cost: 'the command `cost`',
  'cost|why': 'the command',
  baseline_accepted: 'the work goes on without proof',
  retry: 'it is tried again',
  question_elsewhere: 'nothing is done; where questions are answered is told',
  no_gate: 'refused: nothing waits for that',
  plan_amended: 'a wish: the plan is written again',
  plan_rejected: 'the plan is written again',
  no_reason: 'a reason is asked for',
  mentioned: 'one line, once: how to begin',
  ignored: 'not said to Muster: nothing',
  bystander: 'nothing: may not ask for anything',
  answered: 'the answer',
  permission: 'refused: may not write to the repository',
}

export function commandsPage(rows: readonly Row[] = WORDS): string {
  const parts = (Object.keys(WHERE) as At[]).map((at) => {
    const lines = rows.filter((row) => row.at === at).map(rowOf)
    return `## ${WHERE[at]}\n\n| What is said | By | What it is taken for | What is answered |\n|---|---|---|---|\n${lines.join('\n')}`
  })
  return `${HEAD}\n${commandsTable()}\n\n${parts.join('\n\n')}\n`
}

/** The commands, from their definitions. */
function commandsTable(): string {
  const rows = VERBS.map((verb) => COMMANDS[verb]).filter(({ help }) => help !== undefined)
  const lines = rows.map(({ usage, help, tells, examples }) => {
    const example = examples.findLast((one) => !one.includes('`')) ?? ''
    return `| ${shown(usage)} | ${help} | ${tells ? 'anybody' : 'whoever may write'} | ${shown(`@muster ${example}`)} |`
  })
  return `## The commands\n\n| Command | What it does | Who may | For example |\n|---|---|---|---|\n${lines.join('\n')}`
}

function rowOf({ said, by = 'team', is, answer }: Row): string {
  const means = MEANS[is]
  if (means === undefined) throw new Error(`what is ${is}?`)
  return `| ${shown(said)} | ${BY[by]} | ${means} | ${answer === undefined ? '' : `… ${answer} …`} |`
}

/** Lines as they stand, each as code; a bar would end the cell. */
function shown(said: string): string {
  return said
    .split('\n')
    .map((line) =>
      line === ''
        ? ''
        : `<code>${line.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('|', '&#124;').replaceAll('`', '&#96;').replaceAll('~', '&#126;').replaceAll('*', '&#42;').replaceAll('@', '&#64;')}</code>`,
    )
    .join('<br>')
}

const HEAD = `# What Muster understands

A command is a line of its own that begins with \`@muster\` or \`/muster\` (or the name that \`mention\` in the settings gives it), on every
channel alike. A final full stop or exclamation mark means nothing. **An approval is the exact word,
alone.** Several commands in one comment are carried out in order. What is mistyped, polite or one lone word begins nothing and costs
nothing; a verb with words that it has no use for is prose, which is a request. What is code, quoted, struck, folded, in a list or a heading
is not said to Muster; so says the Markdown parser, up to 20,000 characters, 600 lines and 1,500 marks. Above that no command is read, and
it says so.

This page is printed from the table that the tests run (\`test/support/words.ts\`). Where nobody is named the words are by somebody who may
write to the repository.
`

if (import.meta.main) process.stdout.write(commandsPage())
