import fc from 'fast-check'
import { expect, it } from 'vitest'
import { bytesOf } from '../../src/core/bytes.ts'

it('is what came, or an end where more comes than is read', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 9 })), fc.nat(60), async (parts, most) => {
      let taken = 0
      let isEnded = false
      async function* stream() {
        try {
          for (const part of parts) {
            taken += part.length
            yield new Uint8Array(part)
          }
        } finally {
          isEnded = true
        }
      }
      const whole = Buffer.concat(parts)
      const read = bytesOf(stream(), most)
      if (whole.length <= most) expect((await read).equals(whole)).toBe(true)
      else {
        await expect(read).rejects.toThrow(`more than ${most} bytes`)
        expect(taken).toBeLessThanOrEqual(most + 9)
      }
      expect(isEnded).toBe(true)
    }),
  )
  expect((await bytesOf(null, 1)).length).toBe(0)
})
