import { createServer, type ServerResponse } from 'node:http'
import { loadCatalogue } from './catalogue.ts'
import { quote } from './quote.ts'

const catalogue = loadCatalogue(new URL('../data/prices.csv', import.meta.url))

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
}

export const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost')
  if (url.pathname === '/healthz') return send(response, 200, { ok: true })
  if (url.pathname !== '/quote' && url.pathname !== '/tiers') return send(response, 404, { error: 'not found' })
  const sku = url.searchParams.get('sku') ?? ''
  const tiers = catalogue.get(sku)
  if (!tiers) return send(response, 404, { error: `no such article: ${sku}` })
  if (url.pathname === '/tiers') return send(response, 200, tiers.map((tier) => ({ from: Number(tier.from), unit: tier.cents / 100 })))
  const quantity = Number(url.searchParams.get('quantity'))
  if (!Number.isInteger(quantity) || quantity < 1) return send(response, 400, { error: 'quantity must be a whole number from 1' })
  const { unit, total } = quote(tiers, quantity)
  return send(response, 200, { sku, quantity, unit: unit / 100, total: total / 100 })
})

if (import.meta.main) {
  server.listen(Number(process.env.PORT ?? 8080), () => console.log(`price service on port ${process.env.PORT ?? 8080}`))
  process.on('SIGTERM', () => server.close(() => process.exit(0)))
}
