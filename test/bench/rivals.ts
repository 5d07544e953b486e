import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import pg from 'pg'
import { createNodeMiddleware, createProbot } from 'probot'

/** What Muster's ingest is measured against, each in a process of its own: `rivals.ts bare|probot|insert`. */

const { WEBHOOK_SECRET: secret = '', DATABASE_URL: databaseUrl, PRIVATE_KEY: privateKey = '' } = process.env

/** Reads the body and checks the signature: what nobody can do without. */
function verified(then: (body: Buffer, headers: Record<string, unknown>) => Promise<number>): RequestListener {
  return (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      const wanted = Buffer.from(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`)
      const given = Buffer.from(String(request.headers['x-hub-signature-256']))
      const ok = wanted.length === given.length && timingSafeEqual(wanted, given)
      void (ok ? then(body, request.headers) : Promise.resolve(401)).then((status) =>
        response.writeHead(status).end('ok'),
      )
    })
  }
}

async function inserting(): Promise<RequestListener> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 })
  await pool.query('CREATE TABLE IF NOT EXISTS rival (delivery TEXT PRIMARY KEY, body BYTEA NOT NULL)')
  const insert = { name: 'rival', text: 'INSERT INTO rival (delivery, body) VALUES ($1, $2) ON CONFLICT DO NOTHING' }
  return verified(async (body, headers) => {
    await pool.query({ ...insert, values: [headers['x-github-delivery'], body] })
    return 202
  })
}

async function probot(): Promise<RequestListener> {
  const app = createProbot({
    env: { APP_ID: '1', PRIVATE_KEY: privateKey, WEBHOOK_SECRET: secret, LOG_LEVEL: 'fatal' },
  })
  const middleware = await createNodeMiddleware((robot) => robot.on('issues', async () => {}), {
    probot: app,
    webhooksPath: '/api/github/webhooks',
  })
  return (request, response) => void middleware(request, response)
}

const KINDS: Readonly<Record<string, () => Promise<RequestListener>>> = {
  bare: async () => verified(async () => 202),
  insert: inserting,
  probot,
}
const listener = await KINDS[process.argv[2] ?? '']?.()
if (!listener) throw new Error('bare, probot or insert')
const server = createServer(listener)
server.listen(Number(process.env['PORT']), '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))
