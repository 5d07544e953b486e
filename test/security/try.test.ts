import { expect, it } from 'vitest'
import { renderMarkdown } from '../../src/channels/github/render.ts'
import { liveInMarkdown, liveInText } from '../support/vendor.ts'
import { messageOf } from '../../src/core/reply/foreign.ts'
import { variants } from '../support/hostile.ts'
import { said, say } from '../../src/core/reply/words.ts'
it('x', () => {
  let n = 0,
    bad = 0
  const how = { redact: (t: string) => t }
  for (const v of variants()) {
    n++
    for (const [k, out] of [
      ['c', renderMarkdown([{ kind: 'paragraph', text: say`Own: ${said(v)}` }], how)],
      ['p', renderMarkdown([{ kind: 'paragraph', text: v }], { ...how, isCopied: true })],
      ['m', messageOf(v, how)],
    ] as const) {
      const live = k === 'm' ? liveInText(out) : liveInMarkdown(out, {}, k === 'p')
      if (live.length) {
        bad++
        if (bad < 25) console.log(k, JSON.stringify(v), '\n =>', JSON.stringify(out), '\n !!', JSON.stringify(live))
      }
    }
  }
  console.log(n, bad)
})
import fc from 'fast-check'
import { mess } from '../support/hostile.ts'
import * as slack from '../../src/channels/slack/render.ts'
it('y', () => {
  const how = { redact: (t: string) => t }
  fc.assert(
    fc.property(mess, (v) => {
      const live = [
        ...liveInMarkdown(
          renderMarkdown(
            [
              { kind: 'paragraph', text: say`Own: ${said(v)}` },
              { kind: 'table', head: ['a'], rows: [[v]] },
            ],
            how,
          ),
        ),
        ...liveInMarkdown(
          renderMarkdown(
            [
              { kind: 'list', ordered: true, items: [v, v] },
              { kind: 'paragraph', text: v },
            ],
            { ...how, isCopied: true },
          ),
          {},
          true,
        ),
        ...liveInText(messageOf(v, how)),
      ]
      expect(live).toEqual([])
    }),
    { numRuns: 60000 },
  )
}, 300000)
