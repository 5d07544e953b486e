import { pino } from 'pino'
import { afterEach, expect, it } from 'vitest'
import type { TargetHost } from '../../src/releases/types.ts'
import { hostTargets } from '../../src/upkeep/host.ts'

const unhandled: unknown[] = []
const note = (error: unknown) => unhandled.push(error)
process.on('unhandledRejection', note)
afterEach(() => void process.off('unhandledRejection', note))

it('gives the releases up, and the process lives on, where the database is away as well', async () => {
  const lost = new AbortController()
  const closed: string[] = []
  const host: TargetHost = {
    adopt: async () => {},
    async close() {
      closed.push('closed')
      throw new Error('the database is away')
    },
  }
  const lines: string[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) })
  const consumed: number[] = []
  let given = 0
  const hosting = hostTargets({
    leases: {
      acquire: async () => {
        if (given++ > 0) return undefined
        return {
          fence: { table: 'lease', name: 'target:local', token: '1' },
          crashes: 0,
          signal: lost.signal,
          isMine: () => true,
          release: async () => {},
          postpone: async () => {},
          progressed: async () => {},
          drop: () => {},
        }
      },
    },
    queue: { consume: async (_role, places) => void consumed.push(places) },
    hosts: [host, host],
    log,
    places: 3,
  })
  await hosting.now()
  lost.abort()
  await expect.poll(() => lines.join('')).toContain('were not given up properly')
  await hosting.stop(false)
  expect(consumed).toEqual([3, 0])
  expect(closed).toHaveLength(1)
  expect(unhandled).toEqual([])
})
