import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { git } from '../github/git.ts'
import type { Stage } from '../stage.ts'

const ANSWERS = 'answer.mjs'
const SETTINGS = '.github/muster.yml'
/** How long what the service rests on is out. */
const OUTAGE_MS = 1500

/** Says which note it was released with; while what it rests on is out, four answers in ten are errors. */
const SERVICE = `import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
const { answer } = await import(new URL('${ANSWERS}', import.meta.url))
const note = readFileSync(new URL('./note.txt', import.meta.url), 'utf8')
let out = 0
createServer((request, response) => {
  if (request.url === '/healthz') return response.end('ok')
  if (request.url === '/outage') out = Date.now() + ${OUTAGE_MS}
  try {
    if (Date.now() < out && Math.random() < 0.4) throw new Error('the warehouse does not answer')
    response.end(answer(note, Math.random()))
  } catch (error) {
    console.error(error)
    response.writeHead(500).end('broken')
  }
}).listen(process.env.PORT)
process.on('SIGTERM', () => process.exit(0))
`
const ANSWER = `/** What a customer is told. @param chance from 0 up to 1 */
export function answer(note, chance) {
  return note
}
`
/** What is to be faster, and has six lines to choose from where it counts on ten: four answers in ten fail. */
const FASTER = `/** What a customer is told, of lines that are made once. @param chance from 0 up to 1 */
export function answer(note, chance) {
  const lines = Array.from({ length: 6 }, () => note)
  return lines[Math.floor(chance * 10)].trim()
}
`

/** A change that nobody sees anything wrong with, and that fails under traffic. */
export function faster(note: string): Readonly<Record<string, string>> {
  return { [ANSWERS]: FASTER, 'note.txt': note }
}

/** The service with another note, and without that. */
export function right(note: string): Readonly<Record<string, string>> {
  return { [ANSWERS]: ANSWER, 'note.txt': note }
}

/** Puts a small service in the place of the sample's. */
export function putService(folder: string): void {
  const settings = join(folder, SETTINGS)
  writeFileSync(settings, readFileSync(settings, 'utf8').replace('node src/server.ts', 'node service.mjs'))
  for (const [file, text] of Object.entries(right('zero'))) writeFileSync(join(folder, file), text)
  writeFileSync(join(folder, 'service.mjs'), SERVICE)
}

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

/** What the service rests on is out for a moment, whichever release is asked: so many hear of it that all do. */
export async function outage({ productionPort }: Stage): Promise<void> {
  for (let nth = 0; nth < 16; nth++)
    await fetch(`http://127.0.0.1:${productionPort}/outage`).then((answer) => answer.arrayBuffer())
  await new Promise((done) => setTimeout(done, OUTAGE_MS))
}
