import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { EffectBody, EffectResult } from '../../../src/core/effects.ts'

/** What the ledger's service is asked to do with one request, besides doing it. */
export type Fault = 'reset' | '502' | 'limit' | 'hang' | undefined

/** An effect as it reached the service. */
export interface Entry {
  readonly id: number
  readonly at: number
  readonly kind: EffectBody['kind']
  /** Issue or pull request. */
  readonly number: number
  readonly marker: string
  readonly what: string
  readonly from: string
}

interface Sent {
  readonly marker: string
  readonly body: EffectBody
  readonly previous?: EffectResult
  readonly from: string
}

/**
 * A stateful service with an append-only ledger: like GitHub it takes whatever comes, twice too, so that a duplicate shows.
 * What GitHub itself keeps once (a reaction, a branch at a commit, a check run of a head, the draft flag) is once here.
 */
export class Ledger {
  readonly entries: Entry[] = []
  readonly told = {
    model: [] as { taskId: string; step: string; attempt: number; turn: number }[],
    applied: [] as string[],
  }
  /** Which fault befalls a request that writes; by default none. */
  fault: (sent: Sent) => Fault = () => undefined
  /** For so long what is new is not found by looking. */
  hiddenMs = 0
  /** Told when a pull request was marked as ready, by its issue. */
  onReady: (issue: number, pull: number, sha: string) => void = () => {}
  /** Told of every comment, with its text. */
  onComment: (issue: number, text: string) => void = () => {}
  url = ''
  #server: Server | undefined
  #nextId = 1000
  readonly #asked = new Set<string>()
  readonly #once = new Map<string, EffectResult>()
  readonly #byMarker = new Map<string, { result: EffectResult; at: number }>()
  readonly #heads = new Map<number, string>()
  readonly #pulls = new Map<number, number>()

  async listen(): Promise<void> {
    this.#server = createServer((request, response) => this.#answer(request, response))
    this.#server.keepAliveTimeout = 60_000
    await new Promise<void>((done) => this.#server?.listen(0, '127.0.0.1', done))
    const address = this.#server.address()
    this.url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  }

  close(): void {
    this.#server?.closeAllConnections()
    this.#server?.close()
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      const body: unknown = JSON.parse(text || '{}')
      try {
        this.#handle(request, response, body)
      } catch (error) {
        response.writeHead(500).end(String(error))
      }
    })
  }

  #handle(request: IncomingMessage, response: ServerResponse, body: unknown): void {
    const json = (value: unknown) => response.end(JSON.stringify(value ?? {}))
    switch (request.url) {
      case '/model':
        this.told.model.push(body as never)
        return void json({})
      case '/apply':
        this.told.applied.push((body as { releaseId: string }).releaseId)
        return void json({})
      case '/observe':
        return void json({
          state: this.told.applied.includes((body as { releaseId: string }).releaseId) ? 'live' : 'absent',
        })
      case '/once': {
        const { key } = body as { key: string }
        const first = !this.#asked.has(key)
        this.#asked.add(key)
        return void json({ first })
      }
      case '/look': {
        const found = this.#byMarker.get((body as { marker: string }).marker)
        return void json(found && found.at + this.hiddenMs <= Date.now() ? { found: found.result } : {})
      }
      case '/effect': {
        const sent = body as Sent
        const fault = this.fault(sent)
        if (fault === 'limit') return void response.writeHead(429, { 'retry-after': '1' }).end('{}')
        if (fault === 'hang') return
        const result = this.#write(sent)
        if (fault === 'reset') return void request.socket.destroy()
        if (fault === '502') return void response.writeHead(502).end('{}')
        return void json(result)
      }
      default:
        return void response.writeHead(404).end('{}')
    }
  }

  #write(sent: Sent): EffectResult {
    const { body, previous } = sent
    const { number } = body.place
    switch (body.kind) {
      case 'check.upsert':
        return this.#keepOnce(`check ${body.headSha}`, sent, body.headSha)
      case 'status.upsert':
      case 'comment.upsert':
        if (previous?.id !== undefined) return this.#note(sent, 'edit', previous)
        return this.#note(sent, 'card', { id: this.#nextId++, url: 'http://x' })
      case 'reaction':
        return this.#keepOnce(`reaction ${JSON.stringify(body.target)} ${number}`, sent, 'eyes')
      case 'git.push': {
        const sha = shaFor(number)
        this.#heads.set(number, sha)
        return { ...this.#keepOnce(`push ${body.branch}`, sent, body.branch), sha }
      }
      case 'pr.open': {
        const pull = 100_000 + this.#nextId++
        this.#pulls.set(pull, number)
        return this.#note(sent, body.branch, { id: pull, nodeId: `P${pull}`, number: pull, url: 'http://x' })
      }
      case 'pr.ready': {
        const issue = this.#pulls.get(number) ?? 0
        const result = this.#keepOnce(`ready ${number}`, sent, 'ready')
        setImmediate(() => this.onReady(issue, number, this.#heads.get(issue) ?? ''))
        return result
      }
      case 'pr.body.upsert':
      case 'review.request':
        return { number }
      case 'comment':
        setImmediate(() => this.onComment(number, JSON.stringify(body.document)))
        return this.#note(sent, 'comment', { id: this.#nextId++, url: 'http://x' })
      default:
        return this.#note(sent, body.kind === 'deployment.status' ? body.state : JSON.stringify(body).slice(0, 200), {
          id: this.#nextId++,
          url: 'http://x',
        })
    }
  }

  #keepOnce(key: string, sent: Sent, what: string): EffectResult {
    const known = this.#once.get(key)
    if (known) return known
    const result = this.#note(sent, what, { id: this.#nextId++ })
    this.#once.set(key, result)
    return result
  }

  #note({ marker, body, from }: Sent, what: string, result: EffectResult): EffectResult {
    this.entries.push({
      id: result.id ?? 0,
      at: Date.now(),
      kind: body.kind,
      number: body.place.number,
      marker,
      what,
      from,
    })
    if (!this.#byMarker.has(marker)) this.#byMarker.set(marker, { result, at: Date.now() })
    return result
  }
}

/** A commit id for the work on an issue, the same however often it is pushed. */
export function shaFor(number: number): string {
  return `f${number.toString(16).padStart(39, '0')}`
}

const WANTED: Readonly<Record<string, number>> = {
  'status.upsert card': 1,
  reaction: 1,
  'git.push': 1,
  'pr.open': 1,
  'check.upsert': 1,
  'pr.ready': 1,
  comment: 2,
  'deployment.create': 1,
  'deployment.status': 3,
}
const RELEASE = new Set(['deployment.create', 'deployment.status', 'comment'])

/** What was seen twice and what never, of so many finished tasks. */
export function auditLedger(
  ledger: Pick<Ledger, 'entries' | 'told'>,
  tasks: number,
  release: boolean,
): { duplicates: string[]; lost: string[] } {
  const counts = new Map<string, number>()
  const seen = new Set<string>()
  const duplicates: string[] = []
  for (const { kind, what, marker } of ledger.entries) {
    if (what === 'edit') continue
    // Whether it is seen that a deploy waits for its turn is a matter of moments.
    if (kind === 'deployment.status' && what === 'queued') continue
    const name = kind === 'status.upsert' ? 'status.upsert card' : kind
    counts.set(name, (counts.get(name) ?? 0) + 1)
    const key = `${name} ${marker}`
    if (seen.has(key)) duplicates.push(key)
    seen.add(key)
  }
  const applied = new Set(ledger.told.applied)
  if (applied.size !== ledger.told.applied.length)
    duplicates.push(`${ledger.told.applied.length - applied.size} deploys`)
  const lost: string[] = []
  for (const [name, each] of Object.entries(WANTED)) {
    const wanted = !release && RELEASE.has(name) ? 0 : each * tasks
    const count = counts.get(name) ?? 0
    if (count < wanted) lost.push(`${wanted - count} × ${name}`)
    if (count > wanted) duplicates.push(`${count - wanted} × ${name} too many`)
  }
  if (release && applied.size < tasks) lost.push(`${tasks - applied.size} deploys`)
  return { duplicates, lost }
}
