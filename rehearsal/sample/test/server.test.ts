import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { server } from '../src/server.ts'

let url = ''
before(() => new Promise<void>((done) => server.listen(0, '127.0.0.1', () => {
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  done()
})))
after(() => server.close())

test('is healthy', async () => {
  assert.deepEqual(await (await fetch(`${url}/healthz`)).json(), { ok: true })
})

test('quotes amounts, not cents', async () => {
  const answer = await fetch(`${url}/quote?sku=bolt-m8&quantity=7`)
  assert.deepEqual(await answer.json(), { sku: 'bolt-m8', quantity: 7, unit: 0.38, total: 2.66 })
})

test('says what is wrong with a request', async () => {
  assert.equal((await fetch(`${url}/quote?sku=unknown&quantity=1`)).status, 404)
  assert.equal((await fetch(`${url}/quote?sku=bolt-m8&quantity=0`)).status, 400)
})
