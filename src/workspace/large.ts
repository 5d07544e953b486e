import { createHash, randomUUID } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../core/errors.ts'
import { pointerIn, pointerText } from '../core/lfs.ts'
import { type LfsRemote, LfsRefused, upload } from './lfs.ts'

/** Runs git with the index of the change. */
type InIndex = (
  args: readonly string[],
  options?: { readonly stdin?: string; readonly isBinary?: boolean; readonly maxOutput?: number },
) => Promise<string>

interface Staged {
  readonly mode: string
  readonly object: string
  readonly path: string
}

/**
 * Stores what a change brings and the repository keeps by LFS, and stages pointers in its place: committed as it is, everybody's client
 * of LFS would complain. @param dir where large files are kept on this machine @throws UserError
 */
export async function storeLarge(
  git: InIndex,
  parentSha: string,
  remote: () => Promise<LfsRemote>,
  dir: string,
  signal: AbortSignal,
): Promise<void> {
  for (const { mode, object, path } of await largeIn(git, parentSha)) {
    const content = await contentOf(git, object, path)
    if (pointerIn(content.toString('latin1'))) continue
    const pointer = { oid: createHash('sha256').update(content).digest('hex'), size: content.length }
    await mkdir(dir, { recursive: true })
    const partial = join(dir, `${randomUUID()}.partial`)
    await writeFile(partial, content)
    await rename(partial, join(dir, pointer.oid))
    await upload(await remote(), pointer, content, signal).catch((error: unknown) => {
      if (!(error instanceof LfsRefused)) throw error
      throw new UserError('lfs_refused', `The large file \`${path}\` could not be stored (LFS): ${error.message}.`, {
        hint: 'Is there room in its LFS storage? Then `retry`.',
        cause: error,
      })
    })
    const stands = await git(['hash-object', '-w', '--stdin'], { stdin: pointerText(pointer) })
    await git(['update-index', '--cacheinfo', `${mode},${stands},${path}`])
  }
}

/** What a change brings is held in memory, and no larger than this. */
const MAX_BYTES = 64 * 1024 * 1024

async function contentOf(git: InIndex, object: string, path: string): Promise<Buffer> {
  const size = Number(await git(['cat-file', '-s', object]))
  if (size > MAX_BYTES)
    throw new UserError('lfs_too_large', `\`${path}\` has ${size} bytes; a change brings at most ${MAX_BYTES} of one.`)
  // Twice, for what is printed is kept in two halves.
  const text = await git(['cat-file', 'blob', object], { isBinary: true, maxOutput: 2 * size + 1000 })
  const content = Buffer.from(text, 'latin1')
  if (content.length !== size) throw new Error(`${path} was read as ${content.length} of ${size} bytes`)
  return content
}

/** What is staged differently from the commit before, and filtered by LFS. */
async function largeIn(git: InIndex, parentSha: string): Promise<readonly Staged[]> {
  const raw = await git(['diff-index', '--cached', '--raw', '--no-abbrev', '-z', '--no-renames', parentSha])
  const parts = raw.split('\0')
  const staged = parts.flatMap((head, nth): Staged[] => {
    const [, mode = '', object = ''] = /^:\d+ (100\d{3}) \w+ (\w+) [AM]$/.exec(head) ?? []
    const path = parts[nth + 1]
    return mode !== '' && path !== undefined ? [{ mode, object, path }] : []
  })
  if (staged.length === 0) return []
  const stdin = staged.map(({ path }) => `${path}\0`).join('')
  const told = (await git(['check-attr', '--cached', '--stdin', '-z', 'filter'], { stdin })).split('\0')
  const large = new Set(told.filter((_, nth) => nth % 3 === 0 && told[nth + 2] === 'lfs'))
  return staged.filter(({ path }) => large.has(path))
}
