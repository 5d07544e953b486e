import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { isDiskFull, messageOf, Unavailable } from '../core/errors.ts'
import { cutLine } from '../core/harmless.ts'
import type { Pointer } from '../core/lfs.ts'

/** Git LFS by its Batch API (as git-lfs specifies it), from the host: what runs in a sandbox has no network. */

const TYPE = 'application/vnd.git-lfs+json'
/** So many are asked for at once, and fetched side by side. */
const BATCH = 100
const ABREAST = 4
const ASK_MS = 60_000
const MOVE_MS = 10 * 60_000

const Action = z.object({ href: z.url({ protocol: /^https?$/ }), header: z.record(z.string(), z.string()).nullish() })
const Answer = z.object({
  objects: z.array(
    z.object({
      oid: z.string(),
      actions: z.object({ download: Action.nullish(), upload: Action.nullish(), verify: Action.nullish() }).nullish(),
      error: z.object({ code: z.number(), message: z.string() }).nullish(),
    }),
  ),
})
type Offered = z.infer<typeof Answer>['objects'][number]

/** Where the large files of a repository are, and with which credential. */
export interface LfsRemote {
  readonly url: string
  readonly authorization: string | undefined
}

/** Large files could not be had, and trying again will not help. */
export class LfsRefused extends Error {}

/**
 * Brings large files into a folder, each under its SHA-256. What comes is looked at before it counts.
 * @returns why, in words, where some are not to be had
 * @throws Unavailable where the service cannot answer now
 */
export async function download(
  remote: LfsRemote,
  files: readonly Pointer[],
  dir: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  await mkdir(dir, { recursive: true })
  const reasons: string[] = []
  for (let from = 0; from < files.length; from += BATCH) {
    const batch = files.slice(from, from + BATCH)
    const offered = await ask(remote, 'download', batch, signal).catch((error: unknown) => {
      if (!(error instanceof LfsRefused)) throw error
      reasons.push(error.message)
      return []
    })
    const queue = batch.flatMap((file) => ({ file, offer: offered.find(({ oid }) => oid === file.oid) }))
    const worker = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const reason = await fetched(next.file, next.offer, dir, signal)
        if (reason) reasons.push(reason)
      }
    }
    await Promise.all(Array.from({ length: ABREAST }, worker))
  }
  return reasons[0]
}

async function fetched(
  file: Pointer,
  offer: Offered | undefined,
  dir: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const action = offer?.actions?.download
  if (!action) return offer?.error ? wordsOf(offer.error) : 'they are not offered'
  const partial = join(dir, `${randomUUID()}.partial`)
  try {
    const response = await send(action.href, { headers: action.header ?? {} }, MOVE_MS, signal)
    if (!response.ok || !response.body) return `the storage answers with ${response.status}`
    const hash = createHash('sha256')
    let size = 0
    const watch = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk)
        size += chunk.length
        done(size > file.size ? new Error('longer than it should be') : null, chunk)
      },
    })
    await pipeline(Readable.fromWeb(response.body), watch, createWriteStream(partial)).catch((error: unknown) => {
      signal.throwIfAborted()
      if (isDiskFull(error)) throw error
      if (size <= file.size) throw new Unavailable('The storage of large files broke off', { cause: error })
    })
    if (size !== file.size || hash.digest('hex') !== file.oid) return 'what the storage gives is not what was stored'
    await rename(partial, join(dir, file.oid))
    return undefined
  } finally {
    await rm(partial, { force: true })
  }
}

/** The server's own words, on one line. */
function wordsOf({ message, code }: { readonly message: string; readonly code: number }): string {
  return `${cutLine(message, 200)} (${code})`
}

/** Which of them a folder does not have. */
export async function missingIn(dir: string, files: readonly Pointer[]): Promise<Pointer[]> {
  const missing: Pointer[] = []
  for (const file of files) {
    const found = await stat(join(dir, file.oid)).catch(() => undefined)
    if (found?.size !== file.size && !missing.some(({ oid }) => oid === file.oid)) missing.push(file)
  }
  return missing
}

/** Stores a large file; one that is there already is not sent again. @throws LfsRefused, Unavailable */
export async function upload(remote: LfsRemote, file: Pointer, content: Buffer, signal: AbortSignal): Promise<void> {
  const [offer] = await ask(remote, 'upload', [file], signal)
  if (offer?.error) throw new LfsRefused(wordsOf(offer.error))
  const { upload: to, verify } = offer?.actions ?? {}
  if (!to) return
  const headers = { 'content-type': 'application/octet-stream', ...to.header }
  const sent = await send(to.href, { method: 'PUT', headers, body: new Uint8Array(content) }, MOVE_MS, signal)
  if (!sent.ok) throw new LfsRefused(`the storage answers with ${sent.status}`)
  if (!verify) return
  const body = JSON.stringify(file)
  const seen = await send(
    verify.href,
    { method: 'POST', headers: { accept: TYPE, 'content-type': TYPE, ...verify.header }, body },
    ASK_MS,
    signal,
  )
  if (!seen.ok) throw new LfsRefused(`the storage does not confirm it (${seen.status})`)
}

async function ask(
  { url, authorization }: LfsRemote,
  operation: 'download' | 'upload',
  objects: readonly Pointer[],
  signal: AbortSignal,
): Promise<readonly Offered[]> {
  const headers = { accept: TYPE, 'content-type': TYPE, ...(authorization ? { authorization } : {}) }
  const body = JSON.stringify({ operation, transfers: ['basic'], hash_algo: 'sha256', objects })
  const response = await send(`${url}/info/lfs/objects/batch`, { method: 'POST', headers, body }, ASK_MS, signal)
  if (!response.ok) throw new LfsRefused(`the server of large files answers with ${response.status}`)
  const read = Answer.safeParse(await response.json().catch(() => undefined))
  if (!read.success) throw new LfsRefused('the server of large files gives no answer that can be read')
  return read.data.objects
}

async function send(url: string, init: RequestInit, timeoutMs: number, signal: AbortSignal): Promise<Response> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  const response = await fetch(url, { ...init, signal: limit }).catch((error: unknown) => {
    signal.throwIfAborted()
    throw new Unavailable('The server of large files cannot be reached', { cause: new Error(messageOf(error)) })
  })
  if (response.status !== 429 && response.status < 500) return response
  const seconds = Number(response.headers.get('retry-after'))
  throw new Unavailable(`The server of large files answers with ${response.status}`, {
    retryAfterMs: seconds > 0 ? seconds * 1000 : undefined,
  })
}
