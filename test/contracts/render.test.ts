import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as clickup from '../../src/channels/clickup/render.ts'
import * as jira from '../../src/channels/jira/render.ts'
import * as slack from '../../src/channels/slack/render.ts'
import { writeMarkdown } from '../../src/core/reply/markdown.ts'
import { parseMarkdown } from '../../src/core/reply/parse.ts'
import { plainText, type Rich, type RichDocument } from '../../src/core/reply/rich.ts'
import { numbered, splitDocument } from '../../src/core/reply/split.ts'
import { adf, blockKit } from '../support/schemas.ts'

const require = createRequire(import.meta.url)
// The package has no types.
const { tests } = require('commonmark-spec') as { tests: { markdown: string; number: number }[] }
const inputs = tests.map(({ markdown, number }) => ({ number, source: markdown.replaceAll('→', '\t') }))

const isBlockKit = blockKit()
const isAdf = adf()

/** Each word of a document, by itself. */
function leaves(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  const own = 'text' in value && typeof value.text === 'string' ? value.text.split(/[^\p{L}\p{N}]+/u) : []
  return [...own, ...Object.values(value).flatMap(leaves)]
}

/** Words of a document that people read, without what only lays them out. */
function words(document: RichDocument): string {
  const of = (block: Rich): string => {
    switch (block.kind) {
      case 'paragraph':
      case 'heading':
      case 'ask':
        return plainText(block.children)
      case 'code':
        return block.text
      case 'quote':
        return words(block.blocks)
      case 'details':
        return `${block.summary} ${words(block.blocks)}`
      case 'list':
        return block.items.map((item) => words(item.blocks)).join(' ')
      case 'table':
        return [block.head, ...block.rows].flat().map(plainText).join(' ')
      default:
        return ''
    }
  }
  return document.map(of).join(' ')
}

/** What is to be read in something rendered: a link without words shows where it leads. */
const texts = (value: unknown): string => {
  let found = ''
  JSON.stringify(value, (_key, one: unknown) => {
    if (typeof one === 'object' && one !== null) {
      if ('text' in one && typeof one.text === 'string') found += ` ${one.text}`
      else if ('url' in one && typeof one.url === 'string') found += ` ${one.url}`
    }
    return one
  })
  return found
}
const bare = (value: string) => value.replace(/[^\p{L}\p{N}]/gu, '')

describe('every input of the CommonMark specification', () => {
  it('is all of them', () => expect(inputs).toHaveLength(652))

  it('becomes Markdown that is read as the same document', () => {
    for (const { number, source } of inputs) {
      const document = parseMarkdown(source)
      expect(parseMarkdown(writeMarkdown(document)), `input ${number}`).toEqual(document)
    }
  })

  it('becomes valid Block Kit', () => {
    for (const { number, source } of inputs) {
      const blocks = slack.renderBlocks(parseMarkdown(source))
      expect(isBlockKit(blocks) ? [] : isBlockKit.errors, `input ${number}: ${JSON.stringify(blocks)}`).toEqual([])
    }
  })

  it('becomes valid ADF', () => {
    for (const { number, source } of inputs) {
      const document = jira.renderAdf(parseMarkdown(source))
      expect(isAdf(document) ? [] : isAdf.errors, `input ${number}: ${JSON.stringify(document)}`).toEqual([])
    }
  })

  it('keeps its words everywhere', () => {
    for (const { number, source } of inputs) {
      const document = parseMarkdown(source)
      const seen = {
        slack: slack.renderBlocks(document),
        jira: jira.renderAdf(document),
        clickup: clickup.renderComment(document),
      }
      for (const [channel, rendered] of Object.entries(seen)) {
        const found = bare(texts(rendered))
        for (const word of leaves(document)) expect(found, `input ${number} on ${channel}`).toContain(word)
      }
    }
  })
})

describe('whatever is written', () => {
  const piece = fc.constantFrom(
    '*',
    '_',
    '`',
    '~~',
    '[',
    ']',
    '(',
    ')',
    '<',
    '>',
    '#',
    '-',
    '1.',
    '\n',
    '\n\n',
    ' ',
    '|',
    '\\',
    '!',
    ':',
    '**',
    '```',
    '    ',
    '\t',
    'a',
    'b c',
    'é',
    '—',
    '[x] ',
    '> ',
    '- ',
    '7. ',
    '| a | b |\n|--|--|\n| c | d |\n',
    '---\n',
    '@me',
    '<!channel>',
    '<@U123>',
    '<script>',
    '[a](javascript:x)',
    '![i](http://evil/x?d=1)',
    'https://x.y/z',
  )
  const source = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(''))

  it('is valid on every channel', () => {
    fc.assert(
      fc.property(source, (value) => {
        const document = parseMarkdown(value)
        expect(isBlockKit(slack.renderBlocks(document))).toBe(true)
        expect(isAdf(jira.renderAdf(document))).toBe(true)
        expect(clickup.renderComment(document).every((part) => part.text !== '')).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('pings nobody, runs nothing and fetches nothing', () => {
    fc.assert(
      fc.property(source, (value) => {
        const document = parseMarkdown(value)
        const all = JSON.stringify([
          slack.renderBlocks(document),
          jira.renderAdf(document),
          clickup.renderComment(document),
        ])
        expect(all).not.toMatch(
          /"type":"(broadcast|user|usergroup|team|channel|mention|image|media|mediaSingle|inlineCard|blockCard|mrkdwn|tag)"/,
        )
        expect(all).not.toMatch(/"(url|href|link)":"(?!https?:|mailto:)/)
      }),
      { numRuns: 500 },
    )
  })

  it('is split within the limits of each channel, in order, with nothing left out', () => {
    const long = fc.array(fc.tuple(source, fc.integer({ min: 1, max: 400 })), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(long, (pieces) => {
        const document = pieces.flatMap(([value, times]) =>
          Array.from({ length: Math.ceil(times / 10) }, () => parseMarkdown(`${value} word `.repeat(10))).flat(),
        )
        for (const [sizeOf, check] of CHANNELS) {
          const parts = numbered(splitDocument(document, sizeOf))
          for (const part of parts) check(part)
          const count = (all: RichDocument) => (words(all).match(/word/g) ?? []).length
          expect(parts.reduce((sum, part) => sum + count(part), 0)).toBe(count(document))
          if (parts.length > 1) expect(plainTextOf(parts[1]?.[0])).toBe(`2/${parts.length}`)
        }
      }),
      { numRuns: 25 },
    )
  }, 120_000)
})

const CHANNELS: readonly [(block: Rich) => number, (part: RichDocument) => void][] = [
  [
    slack.sizeOf,
    (part) => {
      const blocks = slack.renderBlocks(part)
      expect(blocks.length).toBeLessThanOrEqual(50)
      expect(slack.lengthOf(blocks)).toBeLessThanOrEqual(13_000)
    },
  ],
  [jira.sizeOf, (part) => expect(JSON.stringify(jira.renderAdf(part)).length).toBeLessThanOrEqual(32_767)],
  [clickup.sizeOf, (part) => expect(texts(clickup.renderComment(part)).length).toBeLessThanOrEqual(40_000)],
]

function plainTextOf(block: Rich | undefined): string {
  return block?.kind === 'paragraph' ? plainText(block.children) : ''
}

describe('a quote', () => {
  it('keeps its lines and what it quotes in ClickUp too, where a line is what its end says', () => {
    const parts = clickup.renderComment(parseMarkdown('> one\n> two\n>\n> > three\n> > four'))
    const lines: { text: string; isQuote: boolean }[] = []
    let text = ''
    for (const part of parts) {
      if (part.text !== '\n') text += part.text
      else {
        if (text) lines.push({ text, isQuote: part.attributes?.blockquote !== undefined })
        text = ''
      }
    }
    expect(lines).toEqual(['one', 'two', '› three', '› four'].map((line) => ({ text: line, isQuote: true })))
  })
})
