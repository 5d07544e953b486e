import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CommentPart, renderComment } from '../../src/channels/clickup/render.ts'
import { renderMarkdown } from '../../src/channels/github/render.ts'
import { renderAdf } from '../../src/channels/jira/render.ts'
import { renderBlocks } from '../../src/channels/slack/render.ts'
import { linesOf, titleOf } from '../../src/core/reply/foreign.ts'
import { richOf } from '../../src/core/reply/read.ts'
import type { Document } from '../../src/core/reply/document.ts'
import { theirs, say } from '../../src/core/reply/words.ts'
import { runs, share } from '../support/amount.ts'
import { CONTAINERS, ENCODINGS, mess, PAYLOADS, variants } from '../support/hostile.ts'
import { documentsOf, OWN_URLS, plainTextsOf, poisonedTask, pullBodyOf } from '../support/poisoned.ts'
import { liveInMarkdown, liveInText } from '../support/vendor.ts'

/**
 * security.md 39, 42: whatever a model, a person or a program writes, in every field of every artefact, in every encoding that
 * CommonMark, GFM or HTML knows, nothing of it is alive where it is read: parsed as the vendor does, by another parser than ours.
 */
const HOW = { redact: (text: string) => text }
const COPIED = { ...HOW, isCopied: true }

/** Everything alive in a document, on every channel. */
function live(document: Document, urls: readonly string[] = []): string[] {
  const rich = richOf(document, HOW)
  return [
    ...liveInMarkdown(renderMarkdown(document, HOW), { urls }),
    ...liveLeaves(renderBlocks(rich), urls),
    ...liveLeaves(renderAdf(rich), urls),
    ...liveLeaves(withoutCode(renderComment(rich)), urls),
  ]
}

/** ClickUp says at the end of a line that it is code. */
function withoutCode(parts: readonly CommentPart[]): CommentPart[] {
  let line: CommentPart[] = []
  return parts.flatMap((part) => {
    line.push(part)
    if (part.text !== '\n') return []
    const whole = line
    line = []
    return part.attributes?.['code-block'] ? [] : whole
  })
}

/** What lives in a message of typed parts: parts that call or fetch, links that are not ours, words that a client could link by itself. */
function liveLeaves(value: unknown, urls: readonly string[]): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => liveLeaves(one, urls))
  if (typeof value !== 'object' || value === null) return []
  const found: string[] = []
  const part = value as Record<string, unknown>
  if (
    /^(broadcast|user|usergroup|team|channel|mention|image|media|mediaSingle|inlineCard|blockCard|mrkdwn|tag)$/.test(
      String(part['type']),
    )
  )
    found.push(`part: ${String(part['type'])}`)
  for (const key of ['url', 'href', 'link']) {
    const url = part[key]
    if (typeof url === 'string' && !urls.includes(url)) found.push(`link: ${url}`)
  }
  const isCode = JSON.stringify(part['style'] ?? part['marks'] ?? part['attributes'] ?? '').includes('code')
  const isBlock = part['type'] === 'rich_text_preformatted' || part['type'] === 'codeBlock'
  if (typeof part['text'] === 'string' && !isCode) found.push(...liveInText(part['text'], { urls }))
  if (isBlock) return found
  return [...found, ...Object.values(part).flatMap((one) => liveLeaves(one, urls))]
}

function liveEverywhere(word: string): string[] {
  const task = poisonedTask(word)
  return [
    ...documentsOf(task, word).flatMap((document) => live(document, OWN_URLS)),
    ...liveInMarkdown(renderMarkdown(pullBodyOf(task), COPIED), { urls: OWN_URLS, closes: ['Closes #5'] }, true),
    ...plainTextsOf(task, word).flatMap((text) => [
      ...liveInText(linesOf(text, HOW)),
      ...liveInText(titleOf(text, 100, HOW)),
    ]),
  ]
}

describe('39, 42: foreign words come alive nowhere', () => {
  it('in any writing, in any place', { timeout: 300_000 }, () => {
    let count = 0
    for (const word of share(variants())) {
      count++
      const document: Document = [
        { kind: 'paragraph', text: say`Own: ${theirs(word)}` },
        { kind: 'paragraph', text: word },
      ]
      expect(live(document), JSON.stringify(word)).toEqual([])
      expect(liveInMarkdown(renderMarkdown(document, COPIED), {}, true), JSON.stringify(word)).toEqual([])
      expect(liveInText(linesOf(word, HOW)), JSON.stringify(word)).toEqual([])
    }
    expect(count).toBeGreaterThan((PAYLOADS.length * ENCODINGS.length * CONTAINERS.length) / 13)
  })

  it('in any field of any artefact', { timeout: 300_000 }, () => {
    const words = PAYLOADS.flatMap((payload) => ENCODINGS.map(([, encode]) => encode(payload)))
    for (const word of share(words)) expect(liveEverywhere(word), JSON.stringify(word)).toEqual([])
  })

  it('in any mess of all that', { timeout: 300_000 }, () => {
    fc.assert(
      fc.property(mess, (word) => {
        expect(
          live([
            { kind: 'list', ordered: true, items: [word, say`Own ${word}: ${theirs(word)}`] },
            { kind: 'table', head: [word], rows: [[word]] },
          ]),
        ).toEqual([])
        expect(liveInMarkdown(renderMarkdown([{ kind: 'paragraph', text: word }], COPIED), {}, true)).toEqual([])
        expect(liveInText(linesOf(word, HOW))).toEqual([])
      }),
      { numRuns: runs(20_000, 500) },
    )
  })
})

describe("Muster's own words", () => {
  it('close what they are meant to close, and nothing else', () => {
    const body = renderMarkdown(pullBodyOf(poisonedTask('fixes #7')), COPIED)
    expect(body).toMatch(/^Closes #5$/m)
    expect(body.match(/#\d/g)?.filter((one) => one !== '#5').length).toBeGreaterThan(0)
    expect(liveInMarkdown(body, { urls: OWN_URLS }, true).join()).toMatch(/^Closes #5,?/)
  })

  it('link what is ours', () => {
    expect(
      live(documentsOf(poisonedTask('x'), 'x').flat()).filter((one) => one.startsWith('link:')).length,
    ).toBeGreaterThan(3)
  })

  it('what was stored before is somebody else’s words: it is shown, and nothing in it lives', () => {
    const stored: Document = [
      { kind: 'paragraph', text: 'Please review [#6](https://github.test/acme/shop/pull/6), &#64;bob: **now**' },
    ]
    expect(live(stored)).toEqual([])
    expect(renderMarkdown(stored, HOW)).toBe(
      'Please review #6 (`https://github.test/acme/shop/pull/6`), @\u200bbob: **now**',
    )
  })
})

describe('what people write stays readable', () => {
  it.each([
    ['npm i @acme/web', 'npm i @\u200bacme/web'],
    ['Run `npm i @acme/web`.', 'Run `npm i @acme/web`.'],
    ['See [the docs](https://docs.example/a_b).', 'See the docs (`https://docs.example/a_b`).'],
    ['It fixes the sort and/or the filter.', 'It fixes the sort and/or the filter.'],
    ['See #7 and `#8`.', 'See #7 and `#8`.'],
    ['```resolves\nGH-7\n```', '```\nGH-7\n```'],
    ['It fixeshttps://x/7, closesacme/web#7.', 'It fixe\u200bshttps\\:/\u200b/x/7, close\u200bsacme/web#7.'],
    ['It fixes #7.', 'It fixe\u200bs #7.'],
    ['👩‍👩‍👧 ❤️ 日本語', '👩‍👩‍👧 ❤️ 日本語'],
    ['```ts\n@Injectable()\nclass A {}\n```', '```ts\n@Injectable()\nclass A {}\n```'],
    ['```\n/usr/bin/env node\n```', '```\n/usr/bin/env node\n```'],
    ['![a chart](https://evil.example/x?d=1)', 'image: a chart (`https://evil.example/x?d=1`)'],
    ['a <b>bold</b> word', 'a **bold** word'],
    ['a <constructor>b</constructor> and <toString/>', 'a \\<constructor>b\\</constructor> and \\<toString/>'],
    ['<!-- <details>hidden</details> -->\n\nSeen.', 'Seen.'],
    ['an Array<string> of <Foo />', 'an Array\\<string> of \\<Foo />'],
    ['one line\nand the next', 'one line\\\nand the next'],
    ['one<br>two', 'one\\\ntwo'],
    ['H<sub>2</sub>O, x<sup>2</sup>, x<sub>ab</sub>', 'H₂O, x², x\\_ab'],
    ['press <kbd>Ctrl</kbd>', 'press `Ctrl`'],
    ['<a href="https://docs.example/a?b=1&amp;c=2">the docs</a>', 'the docs (`https://docs.example/a?b=1&c=2`)'],
    ['<a href="javascript:alert(1)">here</a>', 'here (link removed)'],
    [
      '<p align="center">\n<img alt="a chart" src="https://evil.example/x">\n</p>',
      'image: a chart (`https://evil.example/x`)',
    ],
    ['<!-- what is asked of you -->\nIt is slow.', 'It is slow.'],
    ['> [!WARNING]\n> Mind the gap.', '> **Warning**\n>\n> Mind the gap.'],
    ['Take $a_1 + b_1$ for $5 or $6.', 'Take `$a_1 + b_1$` for $5 or $6.'],
    ['$$\na_1 * b_1\n$$', '`$$ a_1 * b_1 $$`'],
    [
      '<details>\n<summary>The log</summary>\n\nIt says:\n\n- @bob\n\n</details>',
      '<details><summary>The log</summary>\n\nIt says:\n\n- @\u200bbob\n\n</details>',
    ],
    ['<details><summary>A <b>b</b></summary>short</details>', '<details><summary>A b</summary>\n\nshort\n\n</details>'],
    ['<b>left open', '\\<b>left open'],
  ])('%s', (written, shown) => expect(renderMarkdown([{ kind: 'paragraph', text: written }], HOW)).toBe(shown))
})
