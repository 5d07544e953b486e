import type { Repository } from '../core/task/types.ts'
import type { BareCopies } from './copies.ts'

/** A file of a commit. */
export interface TreeEntry {
  readonly path: string
  /** The name of its content. */
  readonly object: string
  readonly size: number
}

/** The plain files of a commit, with how long they are. */
export async function entriesOf(
  copies: BareCopies,
  repository: Repository,
  sha: string,
): Promise<readonly TreeEntry[]> {
  const listed = await copies.must(repository, ['ls-tree', '-r', '-l', '-z', '--end-of-options', sha])
  return listed.split('\0').flatMap((line) => {
    const [, object = '', size = '', path = ''] = /^100\d{3} blob (\w+) +(\d+)\t([\s\S]+)$/.exec(line) ?? []
    return object === '' ? [] : [{ path, object, size: Number(size) }]
  })
}

/** What objects hold, in their order, with one character a byte. @param objects together no more than some tens of megabytes */
export async function contentsOf(
  copies: BareCopies,
  repository: Repository,
  objects: readonly string[],
): Promise<readonly string[]> {
  const stdin = objects.map((object) => `${object}\n`).join('')
  const options = { stdin, isBinary: true, maxOutput: 100_000_000 }
  const { output } = await copies.git(repository, ['cat-file', '--batch'], options)
  const found: string[] = []
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf('\n', at)
    const size = Number(/ (\d+)$/.exec(output.slice(at, end))?.[1] ?? Number.NaN)
    if (end < 0 || Number.isNaN(size)) break
    found.push(output.slice(end + 1, end + 1 + size))
    at = end + size + 2
  }
  return found
}
