import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'

/** A place that commands deploy to: what stands in a file is what people see. */
export async function siteIn(dir: string): Promise<{ readonly url: string; readonly file: string; close(): void }> {
  const file = join(dir, 'site')
  for (const name of [file, `${file}.sha`]) writeFileSync(name, '')
  const server = createServer((_, response) => response.end(readFileSync(file)))
  await new Promise<void>((opened) => void server.listen(0, '127.0.0.1', opened))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return { url: `http://127.0.0.1:${port}/`, file, close: () => void server.close() }
}
