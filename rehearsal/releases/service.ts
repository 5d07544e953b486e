import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { git } from '../github/git.ts'
import type { Stage } from '../stage.ts'

/** Says which note it was released with; with a bad one, four answers in ten are errors. */
const SERVICE = `import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
const note = readFileSync(new URL('./note.txt', import.meta.url), 'utf8')
createServer((request, response) => {
  if (request.url === '/healthz') return response.end('ok')
  if (note.startsWith('bad') && Math.random() < 0.4) return response.writeHead(500).end('broken')
  response.end(note)
}).listen(process.env.PORT)
`

/** Puts a small service in the place of the sample's. */
export function putService(folder: string): void {
  const settings = join(folder, SETTINGS)
  writeFileSync(settings, readFileSync(settings, 'utf8').replace('node src/server.ts', 'node service.mjs'))
  writeFileSync(join(folder, 'note.txt'), 'zero')
  writeFileSync(join(folder, 'service.mjs'), SERVICE)
}

const SETTINGS = '.github/muster.yml'

/** Its settings as they are on the branch, with production watched for so long. */
export async function watchedFor({ repo }: Stage, span: string): Promise<Readonly<Record<string, string>>> {
  const text = await git(repo.dir, ['show', `${repo.defaultBranch}:${SETTINGS}`])
  return { [SETTINGS]: text.replace(/watch: 6s/, `watch: ${span}`) }
}

/** What customers see. */
export async function noteOf({ productionPort }: Stage): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${productionPort}/`, { signal: AbortSignal.timeout(5000) })
  return answer.text()
}
