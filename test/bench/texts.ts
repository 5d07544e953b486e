import { normalise } from '../../src/channels/github/normalise.ts'
import { renderComment } from '../../src/channels/clickup/render.ts'
import { renderParts } from '../../src/channels/github/render.ts'
import * as jira from '../../src/channels/jira/render.ts'
import { markdownOf as jiraText } from '../../src/channels/jira/text.ts'
import * as slack from '../../src/channels/slack/render.ts'
import { markdownOf as slackText } from '../../src/channels/slack/text.ts'
import { annotationsOf } from '../../src/core/checks.ts'
import { findCommands } from '../../src/core/calls.ts'
import { harmless, harmlessCode } from '../../src/core/harmless.ts'
import { redactor } from '../../src/core/redact.ts'
import { referencesIn } from '../../src/core/references.ts'
import { foreignBlocks } from '../../src/core/reply/foreign.ts'
import { shown } from '../../src/core/reply/read.ts'
import type { RichDocument } from '../../src/core/reply/rich.ts'
import { splitDocument } from '../../src/core/reply/split.ts'
import { repositoriesIn } from '../../src/core/request.ts'
import { quoteBlock } from '../../src/core/sanitise.ts'
import { commented } from '../faults/support/hooks.ts'
import { SHAPES } from '../support/shapes.ts'

/** What the worst shapes of text take of the processor: the event loop waits for as long. */
export interface Texts {
  readonly name: string
  readonly characters: number
  /** The slowest shape, ms of CPU. */
  readonly worstMs: number
  readonly shape: string
  /** What twice the text takes, against that. */
  readonly ratio: number
}

const redact = redactor(['a-secret-of-some-kind-1234', 'another/one+with=marks', 'k'.repeat(1700)])
const HOW = { redact }
const MARKER = 'muster:e1:0123456789abcdef0123456789abcdef'
const message = (render: (rich: RichDocument) => unknown) => (text: string) =>
  shown([{ kind: 'paragraph', text }], HOW, render)

/** A comment as GitHub sends it. */
const delivery = (text: string) => Buffer.from(JSON.stringify(commented(1, 1, text, 1)))

/** Everything that foreign text goes through, and the most of it that does. Each is one stretch: the event loop waits for it, and for no two of them. */
const FUNCTIONS: readonly (readonly [name: string, most: number, run: (text: string) => unknown])[] = [
  ['Markdown to typed nodes', 65_536, (text) => foreignBlocks(text, HOW)],
  ['a comment on GitHub', 65_536, (text) => renderParts([{ kind: 'paragraph', text }], HOW, MARKER)],
  [
    'a message in Slack',
    40_000,
    message((rich) => splitDocument(rich, slack.sizeOf).map((part) => slack.renderBlocks(part))),
  ],
  [
    'a comment in Jira',
    40_000,
    message((rich) => splitDocument(rich, jira.sizeOf).map((part) => jira.renderAdf(part))),
  ],
  ['a comment in ClickUp', 40_000, message(renderComment)],
  ['harmless prose', 65_536, harmless],
  ['harmless code', 65_536, harmlessCode],
  ['redaction', 65_536, redact],
  ['a webhook, read', 65_536, (text) => normalise('issue_comment', delivery(text), '1')],
  ['commands', 65_536, (text) => findCommands(text, ['muster'])],
  ['places named', 65_536, (text) => [referencesIn(text), repositoriesIn(text)]],
  ['words for a model', 65_536, (text) => quoteBlock('issue', text, 'a1b2')],
  ["Jira's markup", 32_767, (text) => jiraText(text, 'me')],
  ["Slack's markup", 40_000, (text) => slackText(text, ['U1'])],
  ['output of tests', 200_000, (text) => annotationsOf(text, new Set(['a.ts']))],
]

function cpuMs(action: () => unknown): number {
  const times = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage()
    action()
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  })
  return Math.min(...times)
}

export function measureTexts(): Texts[] {
  const shapes = Object.entries(SHAPES)
  for (let round = 0; round < 3; round++)
    for (const [, , run] of FUNCTIONS) for (const [, make] of shapes) run(make(1500))
  return FUNCTIONS.map(([name, characters, run]) => {
    // Where a text is longer than its caps it is shown plain: the worst lies below.
    const sizes = [characters, 20_000, 10_000, 5_000, 2_500].filter((size) => size <= characters)
    const all = shapes.flatMap(([shape, make]) =>
      sizes.map((size) => ({ shape, size, ms: cpuMs(() => run(make(size))), make })),
    )
    const worst = all.toSorted((a, b) => b.ms - a.ms)[0] ?? { shape: '', size: 0, ms: 0, make: () => '' }
    const half = Math.max(
      0.5,
      cpuMs(() => run(worst.make(worst.size / 2))),
    )
    return {
      name,
      characters,
      worstMs: Math.round(worst.ms),
      shape: `${worst.shape} (${worst.size})`,
      ratio: worst.ms / half,
    }
  })
}
