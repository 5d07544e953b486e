import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { createProxyServer } from 'httpxy'
import { UserError } from '../../core/errors.ts'
import { bucketOf, type Failure, type Sample } from '../../core/traffic.ts'

/** One upstream of the proxy: a release's own port. */
interface Upstream {
  readonly sha: string
  readonly port: number
  inFlight: number
}

interface Counter {
  requests: number
  errors: number
  latency: Record<number, number>
  failures: Partial<Record<Failure, number>>
}

type Settle = (failure: Failure | undefined) => void

/** Without a first byte for so long a request counts as failed, whatever comes later. */
const LATE_MS = 30_000

/** Takes the counts of a second that is over. */
export type Flush = (sha: string, samples: readonly Sample[]) => void

/**
 * The port that people use. It passes every request on to the release that is live, and counts requests, errors (5xx, no answer,
 * none in time, one that breaks off) and latency per second, so that the judge needs no other measuring.
 */
export class EnvironmentProxy {
  readonly #server: Server
  readonly #proxy = createProxyServer({ xfwd: true })
  readonly #counts = new Map<string, Map<number, Counter>>()
  readonly #timer: NodeJS.Timeout
  readonly #flush: Flush
  /** How a request that is under way is counted. */
  readonly #settles = new WeakMap<object, Settle>()
  #upstream: Upstream | undefined

  readonly #now: () => number

  /** @param now the clock that whoever reads the counts goes by */
  constructor(flush: Flush, now: () => number) {
    this.#flush = flush
    this.#now = now
    this.#server = createServer((request, response) => void this.#pass(request, response))
    // An answer that ends before it is whole, while somebody still waits for it.
    this.#proxy.on('proxyRes', (answer, _request, response) => {
      answer.once('close', () => {
        if (answer.complete || response.closed) return
        this.#settles.get(response)?.('cut')
        response.destroy()
      })
    })
    this.#server.on('upgrade', (request, socket, head) => {
      const upstream = this.#upstream
      if (upstream && socket instanceof Socket) void this.#proxy.ws(request, socket, { target: target(upstream) }, head)
      else socket.destroy()
    })
    this.#timer = setInterval(() => this.flush(false), 500)
    this.#timer.unref()
  }

  /** @throws UserError when the port is taken */
  async listen(port: number, host: string): Promise<void> {
    if (this.#server.listening) return
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) =>
        reject(
          new UserError('port_taken', `The port ${port} of this environment cannot be opened.`, {
            hint: 'Is another program using it?',
            cause: error,
          }),
        ),
      )
      this.#server.listen(port, host, resolve)
    })
  }

  get live(): string | undefined {
    return this.#upstream?.sha
  }

  /** Sends everything that arrives from now on to another release. */
  switchTo(sha: string, port: number): { drain(maxMs: number): Promise<void> } {
    const old = this.#upstream
    this.#upstream = { sha, port, inFlight: 0 }
    return { drain: (maxMs) => drained(old, maxMs) }
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const upstream = this.#upstream
    if (!upstream) return void response.writeHead(503, { 'content-type': 'text/plain' }).end('no release is live\n')
    const settle = this.#begin(upstream, response)
    try {
      await this.#proxy.web(request, response, { target: target(upstream) })
    } catch {
      // Whoever asked may have gone away first: then nobody is answered.
      if (response.closed) return
      settle(response.headersSent ? 'cut' : 'refused')
      if (response.headersSent) response.destroy()
      else response.writeHead(502, { 'content-type': 'text/plain' }).end('the release does not answer\n')
    }
  }

  /** A request is under way. @returns counts it, once, as failed or not */
  #begin(upstream: Upstream, response: ServerResponse): Settle {
    const started = performance.now()
    upstream.inFlight++
    let isCounted = false
    const settle: Settle = (failure) => {
      clearTimeout(late)
      if (!isCounted) this.#count(upstream.sha, performance.now() - started, failure)
      isCounted = true
    }
    const late = setTimeout(() => {
      if (!response.headersSent) settle('late')
    }, LATE_MS)
    response.once('close', () => {
      upstream.inFlight--
      settle(failureOf(response))
    })
    this.#settles.set(response, settle)
    return settle
  }

  #count(sha: string, ms: number, failure: Failure | undefined): void {
    const second = Math.floor(this.#now() / 1000) * 1000
    const seconds = this.#counts.get(sha) ?? new Map<number, Counter>()
    this.#counts.set(sha, seconds)
    const counter = seconds.get(second) ?? { requests: 0, errors: 0, latency: {}, failures: {} }
    seconds.set(second, counter)
    counter.requests++
    if (failure) {
      counter.errors++
      counter.failures[failure] = (counter.failures[failure] ?? 0) + 1
    }
    const bucket = bucketOf(ms)
    counter.latency[bucket] = (counter.latency[bucket] ?? 0) + 1
  }

  /** Hands over the seconds that are complete, or all of them. */
  flush(all: boolean): void {
    const now = Math.floor(this.#now() / 1000) * 1000
    for (const [sha, seconds] of this.#counts) {
      const done = [...seconds].filter(([at]) => all || at < now)
      for (const [at] of done) seconds.delete(at)
      if (done.length > 0)
        this.#flush(
          sha,
          done.map(([at, counter]) => ({ at, ...counter })),
        )
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.flush(true)
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** How a request failed that is over: one that goes away in the middle of an answer is nobody's fault. */
function failureOf(response: ServerResponse): Failure | undefined {
  if (!response.headersSent) return 'unanswered'
  return response.statusCode >= 500 ? 'status' : undefined
}

function target(upstream: Upstream): string {
  return `http://127.0.0.1:${upstream.port}`
}

async function drained(upstream: Upstream | undefined, maxMs: number): Promise<void> {
  const until = Date.now() + maxMs
  const busy = () => upstream !== undefined && upstream.inFlight > 0 && Date.now() < until
  while (busy()) await new Promise((resolve) => setTimeout(resolve, 50))
}
