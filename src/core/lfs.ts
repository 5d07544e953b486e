/** Large files as Git LFS stores them: in the tree stands a pointer (the specification of git-lfs). Pure. */

/** What stands for a large file: its SHA-256 and how long it is. */
export interface Pointer {
  readonly oid: string
  readonly size: number
}

/** A pointer is shorter than this, by the specification. */
export const MAX_POINTER = 1024
const VERSION = 'version https://git-lfs.github.com/spec/v1'

/** @returns undefined where it is none, of this version and kind */
export function pointerIn(text: string): Pointer | undefined {
  if (text.length >= MAX_POINTER || !text.startsWith(`${VERSION}\n`)) return undefined
  const [, oid] = /^oid sha256:([0-9a-f]{64})$/m.exec(text) ?? []
  const [, size] = /^size (\d{1,15})$/m.exec(text) ?? []
  return oid !== undefined && size !== undefined ? { oid, size: Number(size) } : undefined
}

/** As every client of LFS writes it. */
export function pointerText({ oid, size }: Pointer): string {
  return `${VERSION}\noid sha256:${oid}\nsize ${size}\n`
}
