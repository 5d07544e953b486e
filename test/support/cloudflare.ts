import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/**
 * As much of Cloudflare as `wrangler` asks for: versions of Workers, which of them have how many requests, and the edge that people use.
 * A version answers with what its module says it shows (`// shows: one`); one that says `// broken` is not taken, `// sick` fails.
 */
export interface Cloudflare {
  readonly env: Readonly<Record<string, string>>
  /** Where people reach the Worker. */
  readonly url: string
  readonly account: string
  readonly workers: Map<string, Worker>
  /** What was asked, a line each. */
  readonly asked: string[]
  /** Whatever comes after an upload is refused. */
  refusesTheRest: boolean
  close(): Promise<void>
}

interface Version {
  readonly id: string
  readonly message: string
  readonly shows: string
  readonly isSick: boolean
  readonly metadata: Readonly<Record<string, unknown>>
}

interface Worker {
  readonly versions: Version[]
  given: { version_id: string; percentage: number }[]
  /** The newest migration. */
  migration: string | undefined
}

export const ACCOUNT = 'a'.repeat(32)
const TOKEN = 'cf-token-hush'

export async function cloudflare(name = 'shop'): Promise<Cloudflare> {
  const workers = new Map<string, Worker>()
  const asked: string[] = []
  const api = await listening((request, response) => void answer(request, response))
  const edge = await listening((request, response) => {
    const worker = workers.get(name)
    const wanted = new RegExp(`^${name}="([^"]+)"$`).exec(
      String(request.headers['cloudflare-workers-version-overrides'] ?? ''),
    )?.[1]
    const has = worker?.given.find((one) => one.version_id === wanted)
    let at = Math.random() * 100
    const chosen = has ?? worker?.given.find((one) => (at -= one.percentage) < 0)
    const version = worker?.versions.find(({ id }) => id === chosen?.version_id)
    if (!version) return void response.writeHead(404).end('no Worker')
    response.writeHead(version.isSick ? 500 : 200).end(version.shows)
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const body = Buffer.concat(parts).toString('latin1')
    asked.push(`${request.method} ${request.url}`)
    const told = (status: number, result: unknown, error?: { code: number; message: string }) =>
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(JSON.stringify({ success: status < 400, result, errors: error ? [error] : [], messages: [] }))
    if (request.headers.authorization !== `Bearer ${TOKEN}`)
      return void told(403, null, { code: 10000, message: 'Authentication error' })
    const [, kind = '', script = '', rest = ''] =
      new RegExp(`^/accounts/${ACCOUNT}/workers/(\\w+)(?:/([^/?]+))?(?:/([^?]*))?`).exec(request.url ?? '') ?? []
    const worker = workers.get(script)
    const none = { code: 10007, message: 'This Worker does not exist on your account.' }
    const is = (method: string, path: RegExp) =>
      request.method === method && path.test(`${kind}${script && '/*'}${rest && `/${rest}`}`)
    if (is('GET', /^scripts$/))
      return void told(
        200,
        [...workers.keys()].map((id) => ({ id, migration_tag: workers.get(id)?.migration })),
      )
    const isRest =
      asked.some((one) => one.startsWith('PUT')) && /subdomain$|\/workers\/workers\//.test(request.url ?? '')
    if (world.refusesTheRest && isRest) return void told(403, null, { code: 10000, message: 'not for this token' })
    if (is('GET', /^subdomain$/)) return void told(200, { subdomain: 'acme' })
    if (is('PUT', /^scripts\/\*$/)) return uploaded(true)
    if (is('POST', /^scripts\/\*\/versions$/)) return worker ? uploaded(false) : void told(404, null, none)
    if (!worker)
      return void told(
        404,
        null,
        kind === 'services' ? { code: 10090, message: 'workers.api.error.service_not_found' } : none,
      )
    if (is('GET', /^services\/\*$/))
      return void told(200, {
        default_environment: {
          environment: 'production',
          script: { last_deployed_from: 'wrangler', migration_tag: worker.migration },
        },
      })
    if (is('GET', /^scripts\/\*\/deployments$/))
      return void told(200, {
        deployments: [
          { id: 'd', created_on: ANY_TIME, source: 'wrangler', strategy: 'percentage', versions: worker.given },
        ],
      })
    if (is('POST', /^scripts\/\*\/deployments$/)) {
      const { versions } = JSON.parse(body) as { versions: Worker['given'] }
      const sum = versions.reduce((all, one) => all + one.percentage, 0)
      if (sum !== 100) return void told(400, null, { code: 10028, message: `percentages sum up to ${sum}` })
      worker.given = versions
      return void told(200, { id: 'd' })
    }
    if (is('GET', /^scripts\/\*\/versions$/)) return void told(200, { items: worker.versions.map(shown) })
    if (is('GET', /^scripts\/\*\/versions\//)) {
      const found = worker.versions.find(({ id }) => id === rest.slice('versions/'.length))
      return void (found ? told(200, shown(found)) : told(404, null, { code: 10222, message: 'no such version' }))
    }
    if (kind === 'workers') return void told(200, { subdomain: { enabled: false, previews_enabled: false } })
    if (is('PATCH', /settings$/) || is('GET', /settings$/)) return void told(200, {})
    if (rest === 'secrets') return void told(200, [])
    if (rest.endsWith('subdomain')) return void told(200, { enabled: false, previews_enabled: false })
    told(404, null, { code: 7003, message: `Could not route to ${request.url}` })

    function uploaded(isAtOnce: boolean): void {
      const metadata = JSON.parse(
        /name="metadata"\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]*)/.exec(body)?.[1] ?? '{}',
      ) as Version['metadata']
      if (body.includes('// broken'))
        return void told(400, null, { code: 10021, message: 'Uncaught Error: hush at index.js:1' })
      const known: Worker = worker ?? { versions: [], given: [], migration: undefined }
      const migrations = metadata['migrations'] as { new_tag?: string } | undefined
      if (migrations && !isAtOnce) return void told(400, null, { code: 10211, message: 'migrations must be deployed' })
      if (migrations?.new_tag) known.migration = migrations.new_tag
      const { 'workers/message': message = '' } = (metadata['annotations'] ?? {}) as Record<string, string>
      const shows = /\/\/ shows: (\S+)/.exec(body)?.[1] ?? ''
      const version = { id: randomUUID(), message, shows, isSick: body.includes('// sick'), metadata }
      known.versions.push(version)
      if (isAtOnce) known.given = [{ version_id: version.id, percentage: 100 }]
      workers.set(script, known)
      const about = isAtOnce
        ? {
            id: script,
            deployment_id: version.id,
            startup_time_ms: 1,
            etag: '',
            handlers: ['fetch'],
            tag: '',
            pipeline_hash: '',
            mutable_pipeline_id: '',
          }
        : {
            id: version.id,
            number: known.versions.length,
            startup_time_ms: 1,
            metadata: { has_preview: false },
            resources: {},
          }
      told(200, about)
    }
  }

  const world: Cloudflare = {
    account: ACCOUNT,
    refusesTheRest: false,
    workers,
    asked,
    url: `http://127.0.0.1:${edge.port}/`,
    env: { CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${api.port}`, CLOUDFLARE_API_TOKEN: TOKEN },
    async close() {
      await Promise.all([api.close(), edge.close()])
    },
  }
  return world
}

const ANY_TIME = '2026-04-01T00:00:00Z'

function shown({ id, message }: Version): object {
  return {
    id,
    number: 1,
    metadata: { created_on: ANY_TIME, author_email: 'a@b.c', source: 'wrangler' },
    annotations: { 'workers/message': message },
    resources: { bindings: [], script: { handlers: ['fetch'] }, script_runtime: {} },
  }
}

async function listening(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    port,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
