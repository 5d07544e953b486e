/** What a stream brings, where that is no more than is read. @param most bytes @throws Error where there is more; then no more of it is taken */
export async function bytesOf(
  stream: AsyncIterable<Uint8Array<ArrayBuffer>> | null,
  most: number,
): Promise<Buffer<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = []
  let size = 0
  for await (const part of stream ?? []) {
    size += part.length
    if (size > most) throw new Error(`an answer of more than ${most} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}
