import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { UserError } from '../core/errors.ts'
import { lockFolder } from '../store/lock.ts'
import { placeOfCheckouts } from '../workspace/place.ts'
import { removeTree } from '../workspace/spawn.ts'
import type { ApartJob } from '../leases/types.ts'

const MOST = 64

/** A folder that this process alone works in: workers on one machine share a data folder, but not their clones. */
export interface Slot {
  readonly dir: string
  release(): void
}

/** Takes the first free of `worker-1`, `worker-2`, … @throws UserError when there is none */
export function takeSlot(dataDir: string): Slot {
  for (let number = 1; number <= MOST; number++) {
    const dir = join(resolve(dataDir), `worker-${number}`)
    try {
      return { dir, release: lockFolder(dir) }
    } catch (error) {
      if (!(error instanceof UserError)) throw error
    }
  }
  throw new UserError('no_slot', `More than ${MOST} workers share the data folder ${dataDir}.`, {
    hint: 'Give some of them another MUSTER_DATA.',
  })
}

/** Where a process of this one's works on a suspect: one of each kind is tried at a time. */
export function folderApart(workDir: string, kind: ApartJob['kind']): string {
  return join(workDir, `apart-${kind}`)
}

/** Removes the clones of a process that ended: its steps begin with fresh ones. */
export async function emptyWork(workDir: string): Promise<void> {
  if (!existsSync(workDir)) return
  for (const dir of new Set([join(workDir, 'work'), placeOfCheckouts(workDir)])) await removeTree(dir)
}
