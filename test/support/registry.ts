import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

/** A registry of images that are given to it as folders (OCI image layout), by name and tag. @returns `host:port` */
export interface Registry {
  readonly address: string
  /** Puts the image of a folder under a name and a tag, whatever was there. */
  put(name: string, tag: string, layout: string): void
  close(): Promise<void>
}

/** Serves what an engine asks for to fetch an image (OCI distribution, its pull part). */
export async function registry(): Promise<Registry> {
  const tags = new Map<string, string>()
  const server: Server = createServer((request, response) => {
    const [, name = '', what = '', reference = ''] =
      /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(request.url ?? '') ?? []
    if (request.url === '/v2/') return void response.end('{}')
    const found = what === 'manifests' ? tags.get(`${name}:${reference}`) : undefined
    const digest = found ? manifestOf(found) : reference
    const layout =
      found ?? [...tags].find(([key, dir]) => key.startsWith(`${name}:`) && existsSync(blob(dir, digest)))?.[1]
    if (!layout || !existsSync(blob(layout, digest))) return void response.writeHead(404).end('{}')
    const type = what === 'manifests' ? MANIFEST : 'application/octet-stream'
    response.writeHead(200, { 'content-type': type, 'docker-content-digest': digest })
    if (request.method === 'HEAD') return void response.end()
    createReadStream(blob(layout, digest)).pipe(response)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    address: `localhost:${(server.address() as AddressInfo).port}`,
    put: (name, tag, layout) => void tags.set(`${name}:${tag}`, layout),
    close: () => new Promise((done) => server.close(() => done())),
  }
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

function blob(layout: string, digest: string): string {
  return join(layout, 'blobs', ...digest.split(':'))
}

function manifestOf(layout: string): string {
  const { manifests } = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as {
    manifests: { digest: string }[]
  }
  return manifests[0]?.digest ?? ''
}
