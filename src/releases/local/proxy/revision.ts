import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

let known: string | undefined

/** Which program this is, and which Node runs it: where it is another than that of the running one, the ports are handed over. Read once. */
export function revision(): string {
  if (known) return known
  const here = dirname(fileURLToPath(import.meta.url))
  const files = readdirSync(here).toSorted()
  const hash = createHash('sha256').update(process.version)
  for (const file of files) hash.update(file).update(readFileSync(join(here, file)))
  hash.update(readFileSync(createRequire(import.meta.url).resolve('httpxy')))
  return (known = hash.digest('hex').slice(0, 16))
}

// As it was when this process began: the files may be those of the next version later.
revision()
