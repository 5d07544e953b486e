import type { Design, Spec } from '../artefacts.ts'
import { planHash } from '../policy.ts'
import type { Task } from '../task/types.ts'
import { baselineNote } from './baseline.ts'
import { elsewhereNote } from './elsewhere.ts'
import { neededOr } from './needed.ts'
import {
  type Block,
  brief,
  details,
  type Document,
  dollars,
  heading,
  joined,
  link,
  list,
  mono,
  type Own,
  paragraph,
  theirs,
  say,
  table,
} from './document.ts'

/** The spec as PM wrote it. */
export function specBlocks(spec: Spec): Block[] {
  return [
    paragraph(theirs(spec.problem)),
    paragraph(say`**Done when**`),
    list(
      spec.acceptance.map((item) => brief(item, 500)),
      true,
    ),
    ...(spec.outOfScope.length > 0 ? [paragraph(say`**Left alone:** ${leftAlone(spec)}`)] : []),
    paragraph(say`**Risk:** ${spec.risk} (${brief(spec.riskReason, 500)})`),
  ]
}

/** What is left alone on purpose, on one line. */
export function leftAlone({ outOfScope }: Spec) {
  return joined(
    outOfScope.map((item) => brief(item.replace(/\.$/, ''), 300)),
    say`; `,
  )
}

/** The design as SA wrote it, with its quote. */
export function designBlocks(design: Design): Block[] {
  return [
    paragraph(theirs(design.approach)),
    table(
      ['File', 'Why'],
      design.files.map((file) => [mono(file.path), brief(file.why, 300)]),
    ),
    paragraph(say`**Test:** ${theirs(design.tests)}`),
    ...(design.slices.length > 1
      ? [
          paragraph(say`**Parts that are independent**`),
          list(
            design.slices.map((slice) => {
              const files = slice.files.map((file) => mono(file, 80))
              return say`${brief(slice.title)} (${joined(files, say`, `)})`
            }),
          ),
        ]
      : []),
    ...(design.filesAtRisk.length > 0
      ? [
          paragraph(
            say`**At risk:** ${joined(
              design.filesAtRisk.map((file) => say`${mono(file.path)} (${brief(file.why, 200)})`),
              say`, `,
            )}`,
          ),
        ]
      : []),
    paragraph(say`**Quote:** ${quoteText(design)}`),
  ]
}

function quoteText({ quote }: Design): string {
  return `${dollars(quote.usd.low)} to ${dollars(quote.usd.high)}, ${quote.minutes.low} to ${quote.minutes.high} min, confidence ${quote.confidence}`
}

/** The comment that asks for the approval of a plan. @param settled what came of it */
export function planComment(task: Task, settled?: Own): Document {
  if (!task.spec || !task.design) return []
  return [
    heading(say`Plan: ${brief(task.spec.title)}`),
    ...neededOr(task, settled),
    ...baselineNote(task),
    ...elsewhereNote(task),
    ...specBlocks(task.spec),
    details(`Design (${quoteText(task.design)})`, designBlocks(task.design)),
    ...(settled
      ? []
      : [
          paragraph(
            say`An approval counts for exactly this plan (\`${planHash(task.spec, task.design).slice(0, 12)}\`). A sentence after \`@${task.settings.mention}\` that says what should be different has it written again.`,
          ),
        ]),
  ]
}

/** The comment that asks PM's questions. @param settled what came of them */
export function questionComment(task: Task, questions: readonly string[], settled?: Own): Document {
  return [...neededOr(task, settled), questionList(questions)]
}

/** What is asked, to be answered by number. */
export function questionList(questions: readonly string[]): Block {
  return list(
    questions.map((question) => brief(question, 500)),
    true,
  )
}

/** The answer to a question, in the thread. */
export function answerComment(task: Task): Document {
  const { answer = '', sha, places = [] } = task.answer ?? {}
  const base = webAddress(task)
  if (sha === undefined || places.length === 0 || base === undefined) return [paragraph(theirs(answer))]
  const links = places.map(({ path, line }) =>
    link(`${base}/blob/${sha}/${path.split('/').map(encodeURIComponent).join('/')}#L${line}`, `${path}:${line}`),
  )
  return [paragraph(theirs(answer)), paragraph(say`At ${mono(sha.slice(0, 7))}: ${joined(links, say` · `)}`)]
}

/** Where the repository is on the web, told from the request's own address. */
function webAddress({ origin: { repository, url } }: Task): string | undefined {
  const path = `/${repository.owner}/${repository.name}`
  if (!URL.canParse(url)) return undefined
  const { origin, pathname } = new URL(url)
  return pathname.toLowerCase().startsWith(`${path.toLowerCase()}/`) ? `${origin}${path}` : undefined
}
