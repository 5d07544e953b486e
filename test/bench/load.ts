import { createHmac, randomUUID } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { percentile } from '../faults/support/suite.ts'

/** What a load on a webhook showed. */
export interface Load {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly refused: number
}

/** A webhook as raw bytes, with a place for the delivery's id. */
export interface Request {
  readonly bytes: Buffer
  readonly idAt: number
}

const PLACE = '00000000-0000-0000-0000-000000000000'

export function requestOf(path: string, event: string, body: Buffer, secret: string): Request {
  const signature = createHmac('sha256', secret).update(body).digest('hex')
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    'content-type: application/json',
    `content-length: ${body.length}`,
    'user-agent: GitHub-Hookshot/bench',
    `x-github-delivery: ${PLACE}`,
    `x-github-event: ${event}`,
    `x-hub-signature-256: sha256=${signature}`,
    '',
    '',
  ].join('\r\n')
  return { bytes: Buffer.concat([Buffer.from(head), body]), idAt: head.indexOf(PLACE) }
}

/**
 * As many connections as asked for, each with one request at a time, over plain sockets: the client should cost less than
 * what it measures.
 */
export async function load(port: number, request: Request, connections: number, seconds: number): Promise<Load> {
  const times: number[] = []
  let refused = 0
  const until = performance.now() + seconds * 1000
  const started = performance.now()
  const one = async () => {
    const socket = connect(port, '127.0.0.1')
    socket.setNoDelay(true)
    const bytes = Buffer.from(request.bytes)
    while (performance.now() < until) {
      bytes.write(randomUUID(), request.idAt, 'latin1')
      const sent = performance.now()
      const status = await exchange(socket, bytes)
      if (status >= 300) refused++
      times.push(performance.now() - sent)
    }
    socket.destroy()
  }
  await Promise.all(Array.from({ length: connections }, one))
  const elapsed = (performance.now() - started) / 1000
  const at = (q: number) => Math.round(percentile(times, q) * 10) / 10
  return { perSecond: Math.round(times.length / elapsed), p50: at(0.5), p99: at(0.99), refused }
}

function exchange(socket: Socket, bytes: Buffer): Promise<number> {
  return new Promise((done, failed) => {
    let text = ''
    const onData = (chunk: Buffer) => {
      text += chunk.toString('latin1')
      const head = text.indexOf('\r\n\r\n')
      if (head < 0) return
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
      const chunked = /transfer-encoding: chunked/i.test(text)
      if (chunked ? !text.endsWith('0\r\n\r\n') : text.length < head + 4 + length) return
      socket.off('data', onData)
      socket.off('error', failed)
      done(Number(text.slice(9, 12)))
    }
    socket.on('data', onData)
    socket.once('error', failed)
    socket.write(bytes)
  })
}
