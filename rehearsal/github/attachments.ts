import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { marked } from 'marked'
import type { World } from './world.ts'

/** Pictures that people put into issues. As on GitHub, the address in the text wants somebody who is signed in; rendered, it is a signed one. */

const ADDRESS = 'user-attachments/assets'
const STORED = 'private-user-images'

/** Keeps a picture. @returns the address that stands in the text */
export function attach(world: World, content: Buffer): string {
  const id = randomUUID()
  world.attachments.set(id, content)
  return `${world.url}/${ADDRESS}/${id}`
}

/** A text as GitHub renders it, as far as pictures go. */
export function bodyHtml(world: World, body: string): string {
  const html = marked.parse(body, { async: false })
  const [before = '', ...rest] = html.split(`${world.url}/${ADDRESS}/`)
  const query = `?jwt=${world.attachmentsSigned}&amp;v=1`
  const signed = rest.map((one) => `${world.url}/${STORED}/${one.slice(0, 36)}${query}${one.slice(36)}`)
  return [before, ...signed].join('')
}

export function attachmentRoutes(app: FastifyInstance, world: World): void {
  app.get(`/${ADDRESS}/:id`, async (_request, reply) => reply.code(404).send('Not Found'))
  app.get(`/${STORED}/:id`, async (request, reply) => {
    const { id } = request.params as { id: string }
    const { jwt } = request.query as { jwt?: string }
    const found = jwt === world.attachmentsSigned ? world.attachments.get(id) : undefined
    return found ? reply.type('image/png').send(found) : reply.code(404).send('Not Found')
  })
}
