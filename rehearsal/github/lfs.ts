import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { Answer } from './api.ts'

/** Git LFS as GitHub serves it: the Batch API, and a storage that signed addresses lead to. */

const Question = z.object({
  operation: z.enum(['download', 'upload']),
  objects: z.array(z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/), size: z.int().min(0) })).max(100),
})

/** Where an object is, as every client of LFS keeps it. */
export function objectOf(repoDir: string, oid: string): string {
  return join(repoDir, 'lfs', 'objects', oid.slice(0, 2), oid.slice(2, 4), oid)
}

function keep(repoDir: string, oid: string, content: Buffer): void {
  const file = objectOf(repoDir, oid)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}

/** Puts a file into the storage. @returns the pointer that stands for it */
export function storeLarge(repoDir: string, content: Buffer): string {
  const oid = createHash('sha256').update(content).digest('hex')
  keep(repoDir, oid, content)
  return `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}\n`
}

/** @param storage where the objects of this repository are reached @param sign what an address of it has to carry */
export function batch(repoDir: string, storage: string, sign: string, text: string): Answer {
  const read = Question.safeParse(JSON.parse(text))
  if (!read.success) return { status: 422, body: { message: z.prettifyError(read.error) } }
  const { operation, objects } = read.data
  const offers = objects.map(({ oid, size }) => {
    const isThere = statSync(objectOf(repoDir, oid), { throwIfNoEntry: false })?.size === size
    const action = { href: `${storage}/${oid}?signed=${sign}`, header: { 'x-part': 'lfs' }, expires_in: 900 }
    if (operation === 'download')
      return isThere
        ? { oid, size, actions: { download: action } }
        : { oid, size, error: { code: 404, message: 'Object does not exist' } }
    return isThere ? { oid, size } : { oid, size, actions: { upload: action } }
  })
  return { status: 200, body: { transfer: 'basic', objects: offers } }
}

/** One object of the storage, put there or taken. */
export function object(repoDir: string, oid: string, put: Buffer | undefined): Buffer | number {
  const file = objectOf(repoDir, oid)
  if (!put) return existsSync(file) ? readFileSync(file) : 404
  if (createHash('sha256').update(put).digest('hex') !== oid) return 422
  keep(repoDir, oid, put)
  return 200
}
