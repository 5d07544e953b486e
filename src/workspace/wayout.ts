import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import { lookup } from 'node:dns/promises'
import { connect, isIP, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Allowed, isAllowed } from '../core/hosts.ts'
import { behind, isRegistryAlias, type PrivateRegistry } from '../core/registries.ts'
import { isReachable } from './addresses.ts'
import { isRoot, SANDBOX_ID } from './unprivileged.ts'

/** The one way out of a sandbox that may use the network: a proxy, behind a socket in its file system. */
export interface WayOut {
  readonly socket: string
  /** A file with the authorities to trust on the way, where the operator has one of their own. */
  readonly authorities: string | undefined
  /** Hosts that were asked for and are not on the list, once each. */
  readonly refused: ReadonlySet<string>
  close(): Promise<void>
}

/** The operator's proxy for a host; undefined: it is reached directly. */
export type ProxyFor = (host: string) => URL | undefined

interface Way {
  readonly allowed: readonly Allowed[]
  readonly proxyFor: ProxyFor
  readonly refuse: (host: string) => void
}

const PATIENCE_MS = 30_000
const CONNECTED = 'HTTP/1.1 200 Connection established\r\n\r\n'
const MOST_AT_ONCE = 64
const MOST_REFUSED = 20

/** What leads out of here. */
export interface Outside {
  readonly hosts: readonly Allowed[]
  readonly proxyFor?: ProxyFor | undefined
  /** The authorities to trust, PEM; undefined: those of the system. */
  readonly authorities?: string | undefined
  /** Registries that want to know who asks: asked in place of the command, which does not see what they are told. */
  readonly registries?: readonly PrivateRegistry[] | undefined
}

/** Opens a way out to these hosts and nowhere else. Names are looked up here; the sandbox sees no name server. */
export async function openWayOut({
  hosts: allowed,
  proxyFor = () => undefined,
  authorities,
  registries = [],
}: Outside): Promise<WayOut> {
  const dir = await mkdtemp(join(tmpdir(), 'muster-way-'))
  if (isRoot()) await chown(dir, SANDBOX_ID, SANDBOX_ID)
  const socket = join(dir, 'proxy.sock')
  const file = authorities === undefined ? undefined : join(dir, 'authorities.pem')
  if (file !== undefined) await writeFile(file, authorities ?? '', { mode: 0o644 })
  const refused = new Set<string>()
  const refuse = (host: string) => void (refused.size < MOST_REFUSED && refused.add(host))
  const server = createServer((incoming, response) => {
    const url = addressIn(incoming)
    if (url && isRegistryAlias(registries, url.hostname))
      readFrom(registries, { incoming, response, url, authorities, allowed, proxyFor })
    else void forward(allowed, incoming, response, refuse)
  })
  server.maxConnections = MOST_AT_ONCE
  server.on('connect', (incoming: IncomingMessage, client: Socket, head: Buffer) => {
    const [host = ''] = (incoming.url ?? '').split(':')
    // Some programs go through a tunnel even to a host that needs none: what comes out of it is read here.
    if (isRegistryAlias(registries, host)) {
      client.write(CONNECTED)
      client.unshift(head)
      server.emit('connection', client)
    } else void tunnel({ allowed, proxyFor, refuse }, incoming, client, head)
  })
  await new Promise<void>((done, failed) => server.once('error', failed).listen(socket, done))
  if (isRoot()) await chown(socket, SANDBOX_ID, SANDBOX_ID)
  return {
    socket,
    authorities: file,
    refused,
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** The address that a host on the list has now; undefined: it is not on the list, or leads where nothing may go. */
async function addressOf(allowed: readonly Allowed[], host: string, port: number): Promise<string | undefined> {
  if (!isAllowed(allowed, host, port)) return undefined
  // What the operator lists as a number is meant as one.
  if (isIP(host)) return host
  const found = await lookup(host, { all: true }).catch(() => [])
  return found.every(({ address }) => isReachable(address)) ? found[0]?.address : undefined
}

/** HTTPS: `CONNECT host:port`, and then bytes both ways. */
async function tunnel(
  { allowed, proxyFor, refuse }: Way,
  { url = '' }: IncomingMessage,
  client: Socket,
  head: Buffer,
): Promise<void> {
  client.on('error', () => client.destroy())
  const [, host = '', port = ''] = /^([^:\s]{1,253}):(\d{1,5})$/.exec(url) ?? []
  const proxy = isAllowed(allowed, host, Number(port)) ? proxyFor(host) : undefined
  if (proxy) return throughProxy(proxy, url, client, head)
  const address = await addressOf(allowed, host, Number(port))
  if (address === undefined) {
    refuse(host)
    return void client.end(`HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n`)
  }
  const upstream = connect({ host: address, port: Number(port) })
  upstream.once('connect', () => joined(client, upstream, head))
  watched(client, upstream)
}

/** Behind a proxy of the operator's, names are looked up there: what it reaches is its own to say. */
function throughProxy(proxy: URL, target: string, client: Socket, head: Buffer): void {
  const { username, password, hostname, port } = proxy
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  const asking = request({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || 80),
    method: 'CONNECT',
    path: target,
    agent: false,
    headers: {
      host: target,
      ...(username ? { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` } : {}),
    },
    timeout: PATIENCE_MS,
  })
  const refused = () => void client.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n')
  asking.once('connect', ({ statusCode }, upstream: Socket) => {
    if (statusCode !== 200) {
      upstream.destroy()
      return refused()
    }
    watched(client, upstream)
    joined(client, upstream, head)
  })
  asking.once('timeout', () => asking.destroy(new Error('no answer')))
  asking.once('error', refused)
  asking.end()
}

function watched(client: Socket, upstream: Socket): void {
  upstream.setTimeout(PATIENCE_MS, () => upstream.destroy())
  upstream.on('error', () => client.destroy())
  upstream.on('close', () => client.destroy())
  client.on('close', () => upstream.destroy())
}

function joined(client: Socket, upstream: Socket, head: Buffer): void {
  client.write(CONNECTED)
  upstream.write(head)
  upstream.pipe(client)
  client.pipe(upstream)
}

/** What is asked for: by its whole address, or within a tunnel by host and path. */
function addressIn({ url = '', headers }: IncomingMessage): URL | undefined {
  const whole = url.startsWith('/') ? `http://${headers.host ?? ''}${url}` : url
  return URL.canParse(whole) ? new URL(whole) : undefined
}

interface Reading {
  readonly incoming: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  readonly authorities: string | undefined
  readonly allowed: readonly Allowed[]
  readonly proxyFor: ProxyFor
}

/** Headers of a request that say something of what is wanted; nothing else of a command's is handed on with somebody's secret. */
const WANTED = ['accept', 'accept-encoding', 'if-none-match', 'if-modified-since', 'range', 'user-agent', 'npm-command']

/** Asks a private registry. Where it leads elsewhere, the command asks there itself, as for any other host. */
function readFrom(registries: readonly PrivateRegistry[], reading: Reading): void {
  const { incoming, response, url, authorities: ca, allowed, proxyFor } = reading
  const found = behind(registries, { method: incoming.method, url })
  if (!found) return void response.writeHead(403).end('only reading below the address of the registry is allowed')
  // What has no secret is a host like any other.
  const isPublic = !registries.some((one) => new URL(one.url).origin === found.url.origin)
  if (isPublic && !isAllowed(allowed, found.url.hostname, 443))
    return void response.writeHead(403).end(`${found.url.hostname} is not on the list of hosts that may be reached`)
  const headers = Object.fromEntries(
    WANTED.flatMap((name) => (incoming.headers[name] === undefined ? [] : [[name, incoming.headers[name]]])),
  )
  const authorization = found.authorization === undefined ? {} : { authorization: found.authorization }
  const ask = found.url.protocol === 'https:' ? secureRequest : request
  const agent = agentFor(proxyFor(found.url.hostname), found.url.protocol)
  const options = {
    method: incoming.method,
    headers: { ...headers, ...authorization },
    timeout: PATIENCE_MS,
    ca,
    agent,
  }
  const upstream = ask(found.url, options, (answer) => {
    const { 'set-cookie': _, 'www-authenticate': __, ...kept } = answer.headers
    response.writeHead(answer.statusCode ?? 502, kept)
    answer.pipe(response)
  })
  upstream.on('timeout', () => upstream.destroy(new Error('no answer')))
  upstream.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()))
  upstream.end()
}

/** What asks through a proxy of the operator's, where there is one. */
function agentFor(proxy: URL | undefined, protocol: string): Agent | SecureAgent {
  const proxyEnv = proxy && { HTTP_PROXY: proxy.href, HTTPS_PROXY: proxy.href }
  return protocol === 'https:' ? new SecureAgent({ proxyEnv }) : new Agent({ proxyEnv })
}

/** Plain HTTP: a request for a whole address. Where it is redirected to is asked for anew. */
async function forward(
  allowed: readonly Allowed[],
  incoming: IncomingMessage,
  response: ServerResponse,
  refuse: (host: string) => void,
): Promise<void> {
  const url = URL.canParse(incoming.url ?? '') ? new URL(incoming.url ?? '') : undefined
  const port = Number(url?.port || 80)
  const address = url?.protocol === 'http:' ? await addressOf(allowed, url.hostname, port) : undefined
  if (!url || address === undefined) {
    refuse(url?.hostname ?? '')
    return void response.writeHead(403).end('not on the list of hosts that may be reached')
  }
  const { method, headers } = incoming
  const upstream = request(
    {
      host: address,
      port,
      method,
      path: url.pathname + url.search,
      headers: { ...headers, host: url.host, connection: 'close' },
      setHost: false,
      timeout: PATIENCE_MS,
    },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    },
  )
  upstream.on('timeout', () => upstream.destroy(new Error('no answer')))
  upstream.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()))
  incoming.pipe(upstream)
}
