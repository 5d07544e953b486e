import type { z } from 'zod'
import { type Note, removeNote } from './note.ts'

/** How long an answer may take: longer than a busy machine takes. */
export const ANSWER_MS = 30_000

/** Nobody answers there any more, though a process of that number runs: it is about to end. Its note is gone now. */
export class Gone extends Error {}

/** Asks a process for one operation, JSON over this machine's own address. @param ms how long it may take @throws Gone */
export async function asked<T>(
  to: Note & { readonly file: string },
  operation: string,
  ask: unknown,
  answer: z.ZodType<T>,
  ms = ANSWER_MS,
): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${to.port}/${operation}`, {
    method: 'POST',
    body: JSON.stringify(ask),
    headers: { authorization: `Bearer ${to.token}`, 'content-type': 'application/json' },
    signal: AbortSignal.timeout(ms),
  }).catch((error: unknown) => {
    if (!isRefused(error)) throw error
    removeNote(to.file, to)
    throw new Gone('nobody answers there any more', { cause: error })
  })
  if (!response.ok)
    throw new Error(`${operation} answered ${response.status}: ${(await response.text()).slice(0, 300)}`)
  return answer.parse(await response.json())
}

function isRefused(error: unknown): boolean {
  return codeOf(error) === 'ECONNREFUSED'
}

/** It ended in the middle of its answer. */
export function isReset(error: unknown): boolean {
  return ['ECONNRESET', 'UND_ERR_SOCKET'].includes(codeOf(error) ?? '')
}

function codeOf(error: unknown): string | undefined {
  const { cause } = error instanceof Error ? error : {}
  return cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
}
