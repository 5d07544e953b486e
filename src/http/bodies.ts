import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'

/** What all bodies that are being read may take together, and what one peer may. Bytes. */
export interface BodyLimits {
  readonly total: number
  readonly peer: number
  /** A body that has not arrived within this time is not waited for; ms. GitHub itself gives up after 10 s (limits.md). */
  readonly deadlineMs: number
}

const MIB = 1024 * 1024
/** Two of GitHub's largest at a time; nobody takes all of it, so that whoever sends slowly or much starves no other. */
export const BODY_LIMITS: BodyLimits = { total: 64 * MIB, peer: 40 * MIB, deadlineMs: 15_000 }

class Refused extends Error {
  readonly statusCode: number
  constructor(statusCode: number, message: string) {
    super(message)
    this.statusCode = statusCode
  }
}

/** Reads bodies as bytes, within limits over all requests at once. A body counts until its request is answered. */
export function readBodies(app: FastifyInstance, limits: BodyLimits = BODY_LIMITS): void {
  const held = new Map<FastifyRequest, number>()
  const peers = new Map<string, number>()
  let total = 0

  function take(request: FastifyRequest, bytes: number): void {
    const peer = (peers.get(request.ip) ?? 0) + bytes
    if (total + bytes > limits.total || peer > limits.peer) throw new Refused(503, 'too much is being sent at once')
    total += bytes
    peers.set(request.ip, peer)
    held.set(request, (held.get(request) ?? 0) + bytes)
  }

  function release(request: FastifyRequest): void {
    const bytes = held.get(request) ?? 0
    held.delete(request)
    total -= bytes
    const left = (peers.get(request.ip) ?? 0) - bytes
    if (left > 0) peers.set(request.ip, left)
    else peers.delete(request.ip)
  }

  app.addHook('onResponse', (request, _reply, done) => {
    release(request)
    done()
  })
  app.addHook('onRequestAbort', (request, done) => {
    release(request)
    done()
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: Readable) => {
    const most = request.routeOptions.bodyLimit ?? 0
    if (Number(request.headers['content-length'] ?? 0) > most) throw new Refused(413, 'the body is too large')
    const late = setTimeout(
      () => request.raw.destroy(new Refused(408, 'the body did not arrive in time')),
      limits.deadlineMs,
    )
    try {
      return await bytesOf(payload, most, (bytes) => take(request, bytes))
    } finally {
      clearTimeout(late)
    }
  })
}

/** All that arrives, by listening: an iterator takes twice as long, and most bodies are one or two pieces. @param take throws where it is too much for others */
function bytesOf(payload: Readable, most: number, take: (bytes: number) => void): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  return new Promise((done, failed) => {
    const add = (chunk: Buffer) => {
      size += chunk.length
      try {
        if (size > most) throw new Refused(413, 'the body is too large')
        take(chunk.length)
        chunks.push(chunk)
      } catch (error) {
        payload.off('data', add).pause()
        failed(error)
      }
    }
    payload.on('data', add)
    payload.once('end', () => done(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)))
    payload.once('error', failed)
    // An error costs as much as the rest of this: made only where there is one.
    payload.once('close', () => {
      if (!payload.readableEnded) failed(new Refused(400, 'the body was cut off'))
    })
  })
}
