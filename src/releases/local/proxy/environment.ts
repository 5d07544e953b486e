import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Server as NetServer, Socket } from 'node:net'
import { createProxyServer } from 'httpxy'
import type { Failure } from '../../../core/traffic.ts'
import type { Ended } from './counts.ts'
import type { Route, Standing } from './protocol.ts'

/** One upstream of the proxy: a release's own port. */
interface Upstream {
  readonly route: Route
  inFlight: number
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
  readonly #servers = new Map<number, Server>()
  readonly #proxy = createProxyServer({ xfwd: true })
  readonly #count: (ended: Ended) => void
  /** How a request that is under way is counted. */
  readonly #settles = new WeakMap<object, Settle>()
  /** Those that something is still under way to, beside the one that is live. */
  readonly #old = new Set<Upstream>()
  #upstream: Upstream | undefined
  /** Another process has the ports now: whoever is still connected here is asked to come anew. */
  #isLeaving = false

  constructor(place: Pick<Route, 'repository' | 'environment'>, count: (ended: Ended) => void) {
    this.#place = place
    this.#count = count
    // An answer that ends before it is whole, while somebody still waits for it.
    this.#proxy.on('proxyRes', (answer, _request, response) => {
      answer.once('close', () => {
        if (answer.complete || response.closed) return
        this.#settles.get(response)?.('cut')
        response.destroy()
      })
    })
  }

  get standing(): Standing {
    return { ...this.#place, ports: [...this.#servers.keys()], route: this.#upstream?.route }
  }

  /** @param from where it is told of one that is open already @returns whether it is open */
  async listen(port: number, host: string, from: Port = port): Promise<boolean> {
    if (this.#servers.has(port)) return true
    const server = this.#server()
    const isOpen = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      const opened = () => resolve(true)
      if (typeof from === 'number') server.listen(from, host, opened)
      else server.listen(from, opened)
    })
    if (isOpen) this.#servers.set(port, server)
    // What one connection has wrong is that one's matter.
    server.on('error', () => {})
    return isOpen
  }

  #server(): Server {
    const server = createServer((request, response) => void this.#pass(request, response))
    server.on('upgrade', (request, socket, head) => {
      const upstream = this.#upstream
      socket.on('error', () => socket.destroy())
      if (!upstream || !(socket instanceof Socket)) return void socket.destroy()
      this.#proxy.ws(request, socket, { target: target(upstream) }, head).catch(() => socket.destroy())
    })
    return server
  }

  /** Sends everything that arrives from now on to another release. @returns false where one went live after that, and stays */
  switchTo(route: Route): boolean {
    const old = this.#upstream
    if (old && old.route.since > route.since) return false
    this.#upstream = { route, inFlight: 0 }
    if (old && old.inFlight > 0) this.#old.add(old)
    for (const [port, server] of this.#servers) {
      if (port === route.port) continue
      this.#servers.delete(port)
      server.close()
    }
    return true
  }

  /** Waits until nothing is under way any more to what was live before, for so long at most. */
  async drained(maxMs: number): Promise<void> {
    const until = Date.now() + maxMs
    while (this.#old.size > 0 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 50))
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#isLeaving) response.setHeader('connection', 'close')
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
      const { repository, environment, sha } = upstream.route
      if (!isCounted) this.#count({ repository, environment, sha, ms: performance.now() - started, failure })
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
  get listeners(): ReadonlyMap<number, Server> {
    return this.#servers
  }

  /** Another process has the ports: what is connected here is answered, and ends. */
  async leave(): Promise<void> {
    this.#isLeaving = true
    await Promise.all([...this.#servers.values()].map(closedAtLeisure))
  }

  async close(): Promise<void> {
    for (const server of this.#servers.values()) {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
    this.#servers.clear()
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

function target({ route }: Upstream): string {
  return `http://127.0.0.1:${route.upstream}`
}
