import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Server as NetServer, Socket } from 'node:net'
import { createProxyServer } from 'httpxy'
import type { Failure } from '../../../core/traffic.ts'
import type { Ended } from './counts.ts'
import type { Opened, Route, Standing } from './protocol.ts'

/** One upstream of the proxy: a release's own port. */
interface Upstream {
  readonly sha: string
  readonly port: number
  inFlight: number
}

/** Whom requests go to: the one that went live last, and, where that has a share alone, the one that has the rest. */
interface Lead {
  readonly route: Route
  readonly main: Upstream
  readonly beside: Upstream | undefined
}

/** A port that is open. */
interface Listener {
  readonly server: Server
  readonly host: string
}

type Settle = (failure: Failure | undefined) => void

/** Without a first byte for so long a request counts as failed, whatever comes later. */
const LATE_MS = 30_000

/** A port, or the handle of one that another process has opened. */
export type Port = number | NetServer

/**
 * The port that people use. It passes every request on to the release that is live, and counts requests, errors (5xx, no answer,
 * none in time, one that breaks off) and latency, so that the judge needs no other measuring.
 */
export class EnvironmentProxy {
  readonly #place: Pick<Route, 'repository' | 'environment'>
  readonly #servers = new Map<number, Listener>()
  /** Ports that are being opened. */
  readonly #opening = new Map<number, Promise<Opened>>()
  readonly #proxy = createProxyServer({ xfwd: true })
  readonly #count: (ended: Ended) => void
  /** How a request that is under way is counted. */
  readonly #settles = new WeakMap<object, Settle>()
  /** Whose doing an answer is. */
  readonly #told = new WeakMap<object, string>()
  /** Those that something is still under way to, beside the one that is live. */
  readonly #old = new Set<Upstream>()
  #lead: Lead | undefined
  /** Another process has the ports now: whoever is still connected here is asked to come anew. */
  #isLeaving = false

  constructor(place: Pick<Route, 'repository' | 'environment'>, count: (ended: Ended) => void) {
    this.#place = place
    this.#count = count
    this.#proxy.on('proxyRes', (answer, _request, response) => {
      this.#heard(response, answer.headers)
      // Whatever the release says of it: whoever is still connected here is to come anew.
      if (this.#isLeaving) answer.headers['connection'] = 'close'
      // An answer that ends before it is whole, while somebody still waits for it.
      answer.once('close', () => {
        if (answer.complete || response.closed) return
        this.#settles.get(response)?.('cut')
        response.destroy()
      })
    })
  }

  /** For which release an answer is counted, where whoever answers says so: it may be another than the one that was asked. */
  #heard(response: object, headers: IncomingMessage['headers']): void {
    const { route, main, beside } = this.#lead ?? {}
    if (!route?.tells) return
    const told = headers['muster-release']
    delete headers['muster-release']
    const sha = [main?.sha, beside?.sha].find((one) => one === told)
    if (sha !== undefined) this.#told.set(response, sha)
  }

  get standing(): Standing {
    const listeners = [...this.#servers].map(([port, { host }]) => ({ port, host }))
    return { ...this.#place, listeners, route: this.#lead?.route }
  }

  /** Who asks for the same port at once is told the same. @param from where it is told of one that is open already */
  listen(port: number, host: string, from: Port = port): Promise<Opened> {
    const opening = (this.#opening.get(port) ?? Promise.resolve()).then(() => this.#listen(port, host, from))
    this.#opening.set(port, opening)
    return opening
  }

  async #listen(port: number, host: string, from: Port): Promise<Opened> {
    const known = this.#servers.get(port)
    if (known?.host === host) return { isOpen: true }
    // On other addresses than before: not on both.
    if (known) this.#leave(port, known)
    const server = this.#server()
    const code = await new Promise<string | undefined>((resolve) => {
      server.once('error', (error) => resolve('code' in error ? String(error.code) : error.message))
      const opened = () => resolve(undefined)
      if (typeof from === 'number') server.listen(from, host, opened)
      else server.listen(from, opened)
    })
    // What one connection has wrong is that one's matter.
    server.on('error', () => {})
    if (code !== undefined) return { isOpen: false, code }
    this.#servers.set(port, { server, host })
    return { isOpen: true }
  }

  #leave(port: number, { server }: Listener): void {
    this.#servers.delete(port)
    server.close()
  }

  #server(): Server {
    const server = createServer((request, response) => void this.#pass(request, response))
    server.on('upgrade', (request, socket, head) => {
      const upstream = this.#chosen()
      socket.on('error', () => socket.destroy())
      if (!upstream || !(socket instanceof Socket)) return void socket.destroy()
      this.#proxy.ws(request, socket, { target: target(upstream) }, head).catch(() => socket.destroy())
    })
    return server
  }

  /** Whether another release went live after that one. */
  hasNewer({ since }: Route): boolean {
    return this.#lead !== undefined && this.#lead.route.since > since
  }

  /** Who gets the next request: chance alone divides them, so that what is counted on either side can be compared. */
  #chosen(): Upstream | undefined {
    const { route, main, beside } = this.#lead ?? {}
    return beside && Math.random() * 100 >= (route?.beside?.percent ?? 100) ? beside : main
  }

  /** Sends everything that arrives from now on to another release, or a share of it. */
  switchTo(route: Route): void {
    const known = [this.#lead?.main, this.#lead?.beside].filter((one) => one !== undefined)
    const of = ({ sha, upstream }: Pick<Route, 'sha' | 'upstream'>): Upstream =>
      known.find((one) => one.sha === sha && one.port === upstream) ?? { sha, port: upstream, inFlight: 0 }
    const [main, beside] = [of(route), route.beside && of(route.beside)]
    this.#lead = { route, main, beside }
    for (const old of known) if (old !== main && old !== beside && old.inFlight > 0) this.#old.add(old)
    for (const one of [main, beside]) if (one) this.#old.delete(one)
    for (const [port, listener] of this.#servers) if (port !== route.port) this.#leave(port, listener)
  }

  /** Waits until nothing is under way any more to what was live before, for so long at most. */
  async drained(maxMs: number): Promise<void> {
    const until = Date.now() + maxMs
    while (this.#old.size > 0 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 50))
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#isLeaving) response.setHeader('connection', 'close')
    const upstream = this.#chosen()
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
      const sha = this.#told.get(response) ?? upstream.sha
      if (!isCounted) this.#count({ ...this.#place, sha, ms: performance.now() - started, failure })
      isCounted = true
    }
    const late = setTimeout(() => {
      if (!response.headersSent) settle('late')
    }, LATE_MS)
    response.once('close', () => {
      if (--upstream.inFlight === 0) this.#old.delete(upstream)
      settle(failureOf(response))
    })
    this.#settles.set(response, settle)
    return settle
  }

  /** Its open ports, for another process to take over. */
  get listeners(): ReadonlyMap<number, Listener> {
    return this.#servers
  }

  /** Another process has the ports: what is connected here is answered, and ends. */
  async leave(): Promise<void> {
    this.#isLeaving = true
    await Promise.all([...this.#servers.values()].map(({ server }) => closedAtLeisure(server)))
  }

  /** Ends the connections on which nobody asks. */
  endIdle(): void {
    for (const { server } of this.#servers.values()) server.closeIdleConnections()
  }
}

/** Not the close of HTTP, which ends connections that rest: somebody may be about to ask on one. */
function closedAtLeisure(server: Server): Promise<unknown> {
  return new Promise((resolve) => NetServer.prototype.close.call(server, resolve))
}

/** How a request failed that is over: one that goes away in the middle of an answer is nobody's fault. */
function failureOf(response: ServerResponse): Failure | undefined {
  if (!response.headersSent) return 'unanswered'
  return response.statusCode >= 500 ? 'status' : undefined
}

function target({ port }: Upstream): string {
  return `http://127.0.0.1:${port}`
}
