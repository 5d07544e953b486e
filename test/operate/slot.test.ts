import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { takeSlot } from '../../src/operate/slot.ts'
import { lockFolder } from '../../src/store/lock.ts'

const dir = mkdtempSync(join(tmpdir(), 'muster-slots-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** A worker in another container on the same folder: there each is process 1. */
function elsewhere(slot: string, ageMs: number): void {
  const file = join(slot, 'lock')
  writeFileSync(file, JSON.stringify({ host: 'other~boot~1', pid: 1, tick: '77' }))
  const then = new Date(Date.now() - ageMs)
  utimesSync(file, then, then)
}

it('a folder is not taken from a process in another container, and is once that is gone', () => {
  const slot = takeSlot(dir)
  slot.release()
  elsewhere(slot.dir, 1000)
  expect(() => lockFolder(slot.dir)).toThrow('of another machine or container')
  const next = takeSlot(dir)
  expect(next.dir).toBe(join(dir, 'worker-2'))
  next.release()
  elsewhere(slot.dir, 60_000)
  const again = takeSlot(dir)
  expect(again.dir).toBe(slot.dir)
  again.release()
})

it('a folder is taken over from a process that ended, and kept from one that lives', () => {
  const unlock = lockFolder(join(dir, 'own'))
  expect(() => lockFolder(join(dir, 'own'))).toThrow(`in use by process ${process.pid}`)
  unlock()
  writeFileSync(join(dir, 'own', 'lock'), JSON.stringify({ pid: 4_194_000, tick: '1' }))
  lockFolder(join(dir, 'own'))()
})
