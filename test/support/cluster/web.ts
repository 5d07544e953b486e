import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Cluster } from './server.ts'

/** A Deployment `web` whose pods show something, and its Service. */
export function webManifest(shows: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: web
          image: registry.example/shop:latest
          env: [{ name: SHOWS, value: "${shows}" }]
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
`
}

/** Shows what the pods that are ready are told to. */
export async function podsServed({
  serving,
}: Pick<Cluster, 'serving'>): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((_, response) => {
    const [container] = serving('web')?.spec.containers ?? []
    if (!container) return void response.writeHead(503).end()
    response.end(container.env?.[0]?.value ?? '')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => void server.close(),
  }
}
