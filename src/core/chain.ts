import { createHash } from 'node:crypto'
import { canonicalJson } from './hash.ts'

/** One row of a task's history, as the chain covers it. */
export interface Link {
  readonly taskId: string
  readonly seq: number
  readonly type: string
  readonly data: unknown
  /** ms since the epoch */
  readonly at: number
  readonly actor: string | null
  readonly reason: string | null
}

/** The end of a chain. */
export interface ChainEnd {
  readonly seq: number
  readonly hash: string
}

/** Where every chain begins. */
export const CHAIN_START: ChainEnd = { seq: 0, hash: '0'.repeat(64) }

/**
 * The hash of a row: SHA-256 over the hash before it and the row's canonical JSON. Changing, leaving out or reordering
 * any row changes every hash after it (a hash chain, as in Haber and Stornetta, "How to Time-Stamp a Digital Document", 1991).
 */
export function linkHash(before: string, link: Link): string {
  const { taskId, seq, type, data, at, actor, reason } = link
  return createHash('sha256')
    .update(`${before}\n${canonicalJson({ taskId, seq, type, data, at, actor, reason })}`)
    .digest('hex')
}

/** The hashes of rows that follow each other, and the new end. */
export function extend(end: ChainEnd, links: readonly Link[]): { hashes: string[]; end: ChainEnd } {
  const hashes: string[] = []
  let { seq, hash } = end
  for (const link of links) {
    hash = linkHash(hash, link)
    seq = link.seq
    hashes.push(hash)
  }
  return { hashes, end: { seq, hash } }
}

/** What is wrong with a stored history, or nothing. Rows without a hash were written by a version before the chain. */
export function brokenLink(
  links: readonly (Link & { readonly hash: string | null })[],
  end: ChainEnd | undefined,
): string | undefined {
  let hash = CHAIN_START.hash
  let seq = 0
  for (const link of links) {
    if (link.seq !== seq + 1) return `event ${seq + 1} is missing`
    seq = link.seq
    const want = linkHash(hash, link)
    if (link.hash !== null && link.hash !== want) return `event ${seq} (${link.type}) is not what was written`
    hash = want
  }
  if (end && end.seq > seq) return `the history ends at event ${seq}, but ${end.seq} were written`
  if (end && end.seq === seq && end.hash !== hash) return 'the end of the chain is not what was written'
  return undefined
}

/**
 * What is wrong with a whole history, in words.
 * @param version the state's, which is the number of its events
 * @param isReplayed whether the events give the stored state
 */
export function historyProblems(
  links: readonly (Link & { readonly hash: string | null })[],
  end: ChainEnd | undefined,
  version: number,
  isReplayed: boolean,
): string[] {
  const broken = brokenLink(links, end)
  return [
    ...(broken ? [broken] : []),
    ...(links.length === version ? [] : [`the state is at version ${version}, but there are ${links.length} events`]),
    ...(isReplayed ? [] : ['replaying the events gives another state than the stored one']),
  ]
}
