import { afterEach, describe, expect, it } from 'vitest'
import type { SendContext } from '../../src/channels/types.ts'
import type { EffectBody, EffectResult } from '../../src/core/effects.ts'
import type { Document } from '../../src/core/reply/document.ts'
import { setStage } from '../../rehearsal/stage.ts'
import { openApiCheck } from '../support/openapi.ts'
import { senderTo } from '../support/sender.ts'

/** Comments of GitHub that are written, found and changed, however many others there are and however long they become. */

const MARKER = 'muster:e1:0123456789abcdef0123456789abcdef'
const reading = { redact: (text: string) => text }
/** Of which one comment takes one. */
const long = (word: string) => `${word} `.repeat(Math.floor(30_000 / (word.length + 1)))
const words = (...all: readonly string[]): Document => all.map((text) => ({ kind: 'paragraph', text }))
const context = (extra: Partial<SendContext> = {}): SendContext => ({
  marker: MARKER,
  task: undefined,
  previous: undefined,
  now: Date.now(),
  since: Date.now(),
  mayLeave: () => {},
  ...extra,
})

const api = openApiCheck()
let close: (() => Promise<void>) | undefined
afterEach(() => close?.())

function found<T>(one: T | undefined): T {
  if (one === undefined) throw new Error('nobody')
  return one
}

async function open() {
  const stage = await setStage({ onExchange: api.onExchange })
  close = () => stage.close()
  const { world, people } = stage
  const { sender, repository } = senderTo(stage, reading)
  const { number } = await people.openIssue('alice', 'Totals', '')
  const body = (kind: 'comment' | 'comment.upsert', document: Document): EffectBody => ({
    kind,
    place: { repository, number },
    document,
  })
  const own = () => world.comments.filter(({ user }) => user === world.bot).map(({ body: text }) => text)
  return { world, sender, body, own, number }
}

describe('a comment', () => {
  it('is found again behind more than 3,000 others', async () => {
    const { world, sender, body, number } = await open()
    const user = found(world.accounts.get('alice'))
    const before = new Date(Date.now() - 86_400_000).toISOString()
    for (let nth = 0; nth < 3100; nth++)
      world.comments.push({
        id: world.id(),
        issue: number,
        user,
        body: `remark ${nth}`,
        createdAt: before,
        updatedAt: before,
        edits: 0,
      })
    const sent = await sender.send(body('comment', words('It is done.')), context())
    const again = await sender.lookUp(body('comment', words('It is done.')), context())
    expect(again).toEqual(sent)
    expect(again?.id).toBeGreaterThan(0)
  })

  it('is changed where it stands: with fewer parts, with more, and not where somebody deleted it', async () => {
    const { world, sender, body, own } = await open()
    const change = (document: Document, previous: EffectResult) =>
      sender.send(body('comment.upsert', document), context({ previous }))
    const first = await sender.send(body('comment', words(long('one'), long('two'), long('three'))), context())
    expect(own()).toHaveLength(3)
    const shorter = await change(words('Approved.'), first)
    expect(own()).toEqual([expect.stringContaining('Approved.')])
    const longer = await change(words(long('four'), long('five'), long('six')), shorter)
    expect(own()).toHaveLength(3)
    expect(own().join('')).not.toContain('Approved.')
    // What an older version wrote down: its id alone.
    const old = await change(words('Rejected.'), { id: longer.id })
    expect(own()).toEqual([expect.stringContaining('Rejected.')])
    // GitHub's description of its API forgets that a comment may be gone.
    expect(api.violations).toEqual([])
    world.comments.splice(0)
    await change(words('Cancelled.'), old)
    expect(own()).toEqual([])
  })

  it('says what was decided where it was never sent', async () => {
    const { sender, body, own } = await open()
    await sender.send(body('comment.upsert', words('Approved.')), context())
    expect(own()).toEqual([expect.stringContaining('Approved.')])
  })
})
