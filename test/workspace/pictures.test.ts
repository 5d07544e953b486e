import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Resvg } from '@resvg/resvg-js'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { pictureOf } from '../../src/tools/pictures.ts'
import { call, smallRepository } from '../support/clone.ts'

const { inClone, dispose } = await smallRepository()
afterAll(dispose)

const PNG = Buffer.from(
  new Resvg('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><rect width="9" height="9"/></svg>')
    .render()
    .asPng(),
)
/** The same, said to be as large as that. */
const claiming = (width: number, height: number) => {
  const bytes = Buffer.from(PNG)
  bytes.writeUInt32BE(width, 16)
  bytes.writeUInt32BE(height, 20)
  return bytes
}

describe('a picture', () => {
  it('is shown as it is where somebody reads it', async () => {
    await inClone(async (checkout) => {
      writeFileSync(join(checkout.dir, 'logo.PNG'), PNG)
      const shown = await call(checkout, 'read', { path: 'logo.PNG' })
      expect(shown).toEqual({
        text: 'logo.PNG, a picture of 40 × 30 points',
        isError: false,
        picture: { type: 'image/png', base64: PNG.toString('base64') },
      })
    })
  })

  it('is told to be none where vendors would not take it, and everything else is read as text', async () => {
    await inClone(async (checkout) => {
      writeFileSync(join(checkout.dir, 'wide.png'), claiming(9000, 10))
      writeFileSync(join(checkout.dir, 'none.png'), claiming(0, 0))
      writeFileSync(join(checkout.dir, 'cut.png'), PNG.subarray(0, 10))
      writeFileSync(join(checkout.dir, 'heavy.png'), Buffer.concat([PNG, Buffer.alloc(1_600_000)]))
      writeFileSync(join(checkout.dir, 'text.png'), 'words\n')
      execFileSync('mkfifo', [join(checkout.dir, 'pipe.png')])
      const read = async (path: string) => (await call(checkout, 'read', { path }))?.text
      expect(await read('wide.png')).toMatch(/not shown: it is 9000 × 10 points; at most 8000/)
      expect(await read('none.png')).toMatch(/not shown/)
      expect(await read('cut.png')).toMatch(/not shown: it cannot be read as a picture|not shown: it is no/)
      expect(await read('heavy.png')).toMatch(/not shown: it has 16\d+ bytes/)
      expect(await read('text.png')).toContain('1\twords')
      expect(await read('pipe.png')).toBe('pipe.png is not a file')
    })
  })

  it('is never more than bytes: whatever they are, they are judged and nothing breaks', () => {
    const starts = ['89504e470d0a1a0a', 'ffd8ffe0', '474946383961', '52494646'].map((hex) => Buffer.from(hex, 'hex'))
    fc.assert(
      fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 300 }), (start, rest) => {
        const seen = pictureOf(Buffer.concat([start, rest]))
        if (typeof seen !== 'string') expect(Math.max(seen.width, seen.height)).toBeLessThanOrEqual(8000)
      }),
    )
  })
})
