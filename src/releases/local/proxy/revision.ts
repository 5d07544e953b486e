import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

let known: string | undefined

/** Which program this is, and which Node runs it: where it is another than that of the running one, the ports are handed over. Read once. */
export function revision(): string {
  if (known) return known
  const hash = createHash('sha256').update(process.version)
  for (const text of sourcesOf(new URL('main.ts', import.meta.url)).values()) hash.update(text)
  hash.update(readFileSync(createRequire(import.meta.url).resolve('httpxy')))
  return (known = hash.digest('hex').slice(0, 16))
}

/** Its files, with all that they import of Muster, by where they are. */
function sourcesOf(url: URL, found = new Map<string, string>()): ReadonlyMap<string, string> {
  if (found.has(url.href)) return found
  const text = readFileSync(fileURLToPath(url), 'utf8')
  found.set(url.href, text)
  for (const [, path = ''] of text.matchAll(/ from '(\.[^']+)'/g)) sourcesOf(new URL(path, url), found)
  return found
}

// As it was when this process began: the files may be those of the next version later.
revision()
