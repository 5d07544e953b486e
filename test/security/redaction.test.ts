import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { renderMarkdown } from '../../src/channels/github/render.ts'
import { renderBlocks } from '../../src/channels/slack/render.ts'
import { redactor } from '../../src/core/redact.ts'
import { brief, link, mono, paragraph, type Piece, theirs, say, value } from '../../src/core/reply/document.ts'
import { linesOf, titleOf } from '../../src/core/reply/foreign.ts'
import { richOf } from '../../src/core/reply/read.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { runs, share } from '../support/amount.ts'
import { CONTAINERS, ENCODINGS } from '../support/hostile.ts'
import { documentsOf, plainTextsOf, poisonedTask, pullBodyOf } from '../support/poisoned.ts'

/** security.md 40, 41: what is secret is taken out before the words are changed, and again after; in every text that leaves. */
const SECRETS = ['wh-5e7c2f9a41d84b6f93aa', 'p@ss/w0rd_x*1', 'postgres-p4ss~word`2', 'xoxb-not-a-real-one']
const TOKENS = [
  `ghs_${'aB3'.repeat(12)}`,
  `ghs_4242_${'Ab-9_.'.repeat(20)}`,
  `github_pat_${'x1Y'.repeat(10)}`,
  `sk-ant-api03-${'Xy-_'.repeat(10)}`,
]
const HOW = { redact: redactor(SECRETS) }
/** Without what a renderer writes between and before characters. */
const bare = (text: string) => text.replace(/[\\\u200b\u200d]|&#x[0-9a-f]+;/gi, '')
const leaks = (text: string) => [...SECRETS, ...TOKENS].filter((one) => bare(text).includes(bare(one)))

describe('40, 41: secrets', () => {
  it('leave in no writing and no place', () => {
    const all = [...SECRETS, ...TOKENS].flatMap((secret) =>
      ENCODINGS.flatMap(([, encode]) => CONTAINERS.map(([, contain]) => contain(encode(`key ${secret} end`)))),
    )
    for (const word of share(all)) {
      const document = [{ kind: 'paragraph', text: word }] as const
      expect(leaks(renderMarkdown(document, HOW)), word).toEqual([])
      expect(leaks(renderMarkdown(document, { ...HOW, isCopied: true })), word).toEqual([])
      expect(leaks(JSON.stringify(renderBlocks(richOf(document, HOW)))), word).toEqual([])
    }
  })

  it('leave in no field of any artefact, no title and no commit message', () => {
    for (const secret of [...SECRETS, ...TOKENS]) {
      const word = `key ${secret} end`
      const task = poisonedTask(word)
      for (const document of [...documentsOf(task, word), pullBodyOf(task)])
        expect(leaks(renderMarkdown(document, HOW))).toEqual([])
      for (const text of plainTextsOf(task, word))
        expect(leaks(linesOf(text, HOW) + titleOf(text, 100, HOW))).toEqual([])
    }
  })

  it.each([
    ['over emphasis', (secret: string) => `${secret.slice(0, 9)}**${secret.slice(9)}**`],
    ['over marks that nobody sees', (secret: string) => secret.split('').join('\u2060')],
    ['over an entity', (secret: string) => secret.replace(/[5e]/g, (one) => `&#${one.charCodeAt(0)};`)],
    ['over code', (secret: string) => `${secret.slice(0, 9)}\`${secret.slice(9)}\``],
  ])('are known %s', (_name, write) => {
    const secret = 'wh-5e7c2f9a41d84b6f93aa'
    const out = renderMarkdown([{ kind: 'paragraph', text: write(secret) }], HOW)
    expect(leaks(out.replace(/[*`]/g, ''))).toEqual([])
  })

  it('are known in part, reversed and encoded, wherever they begin', () => {
    const secret = SECRETS[0] ?? ''
    const { redact } = HOW
    const forms = [
      ...Array.from({ length: secret.length - 15 }, (_, at) => secret.slice(at, at + 16)),
      secret.split('').toReversed().join(''),
      Buffer.from(secret).toString('hex'),
      encodeURIComponent(SECRETS[1] ?? ''),
      ...['', 'a', 'ab'].map((before) => Buffer.from(`${before}${secret}zz`).toString('base64')),
    ]
    for (const form of forms) expect(redact(`x ${form} y`)).not.toContain(form)
    expect(redact('nothing to hide: abc123')).toBe('nothing to hide: abc123')
  })

  it('of any kind leave nothing of 16 characters behind, and everything else stays', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme-ascii', minLength: 16, maxLength: 60 }),
        fc.string({ maxLength: 30 }),
        fc.string({ maxLength: 30 }),
        (secret, before, after) => {
          const out = redactor([secret])(`${before}${secret}${after}`)
          for (let at = 0; at + 16 <= secret.length; at++) expect(out.includes(secret.slice(at, at + 16))).toBe(false)
        },
      ),
      { numRuns: runs(5000, 300) },
    )
  })

  it('stand in no line of the log', () => {
    const lines: string[] = []
    const write = process.stdout.write.bind(process.stdout)
    process.stdout.write = (chunk: string | Uint8Array) => lines.push(String(chunk)) > 0
    try {
      const log = createLog({ level: 'info', redact: HOW.redact, pretty: false })
      log.info({ cause: SECRETS[0], nested: { token: TOKENS[0] } }, `key ${SECRETS[1]}`)
    } finally {
      process.stdout.write = write
    }
    expect(leaks(lines.join(''))).toEqual([])
  })
})

it('half of a secret is not left where words are cut', () => {
  const secret = 'K3Y0123456789qwertzuiopqwertzuiop'
  const redact = redactor([secret])
  for (let before = 90; before < 125; before++) {
    const words = `${'a'.repeat(before)}${secret}`
    const pieces: Piece[] = [
      brief(words),
      theirs(words, 120),
      mono(words, 120),
      value(words, 120),
      link('https://example.com', words, 120),
    ]
    for (const piece of pieces)
      for (const block of [paragraph(piece), paragraph(say`a ${piece}`), paragraph(say`\`a ${piece}\``)]) {
        const written = renderMarkdown([block], { redact }) + JSON.stringify(renderBlocks(richOf([block], { redact })))
        expect(written, `${piece.kind}, ${before} characters before it`).not.toContain('K3Y01')
      }
  }
})
