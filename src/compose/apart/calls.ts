import type { ChildProcess } from 'node:child_process'
import { messageOf, UserError } from '../../core/errors.ts'
import { Lost } from '../../leases/types.ts'
import { QueueDown } from '../../queue/types.ts'
import { isDatabaseDown } from '../../store/sql.ts'
import { Conflict, Fenced, Settled } from '../../store/types.ts'

/**
 * Calls between two processes of Muster, over the channel that Node keeps between them: either side serves objects whose
 * functions take and return plain data. It is the boundary of this seam: what comes over it was sent by this same program.
 */

/** One end of the channel. */
export type Port = Pick<ChildProcess, 'send' | 'on'> | Pick<NodeJS.Process, 'send' | 'on'>

/** An error on its way. */
interface Wire {
  readonly kind: string
  readonly message: string
  readonly code: string | undefined
  readonly hint: string | undefined
}

type Packet =
  | { readonly type: 'call'; readonly id: number; readonly path: readonly string[]; readonly args: readonly unknown[] }
  | { readonly type: 'answer'; readonly id: number; readonly value?: unknown; readonly error?: Wire }

export interface Calls {
  /** What the other side serves under a name. Every function of it answers a promise, whatever its type says. */
  remote<T>(name: string): T
  /** Ends what still waits for an answer, now and later, and waits until nothing is done here for the other side any more. */
  close(): Promise<void>
}

/** What a connection to the database that broke is known by (PostgreSQL's own code). */
const CONNECTION_LOST = '08006'

const ENDED = 'the other process ended'

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** Connects to the other process. @param served what it may call */
export function connect(port: Port, served: object): Calls {
  const waiting = new Map<number, Waiting>()
  const answering = new Set<Promise<unknown>>()
  let calls = 0
  let closed = false
  const post = (packet: Packet) => port.send?.(packet, undefined, undefined, () => {})
  port.on('message', (packet: unknown) => {
    if (!isPacket(packet)) return
    if (packet.type === 'call') {
      const answered = answer(served, packet)
        .then(post)
        .catch((error: unknown) => post({ type: 'answer', id: packet.id, error: wired(error) }))
        .finally(() => answering.delete(answered))
      return void answering.add(answered)
    }
    const one = waiting.get(packet.id)
    waiting.delete(packet.id)
    if (packet.error) one?.reject(unwired(packet.error))
    else one?.resolve(packet.value)
  })
  const call = (path: readonly string[], args: readonly unknown[]) =>
    new Promise((resolve, reject) => {
      if (closed) throw new Error(ENDED)
      const id = ++calls
      waiting.set(id, { resolve, reject })
      post({ type: 'call', id, path, args })
    })
  return {
    remote: <T>(name: string) => proxied([name], call) as T,
    async close() {
      closed = true
      for (const one of waiting.values()) one.reject(new Error(ENDED))
      waiting.clear()
      await Promise.allSettled(answering)
    },
  }
}

function isPacket(message: unknown): message is Packet {
  return typeof message === 'object' && message !== null && 'type' in message && 'id' in message
}

/** `proxy.inbox.get(id)` is the call of `inbox.get`; a name that nobody serves fails when it is called. */
function proxied(
  path: readonly string[],
  call: (path: readonly string[], args: readonly unknown[]) => unknown,
): unknown {
  return new Proxy(() => {}, {
    // Waited for by mistake, it must not look like a promise.
    get: (_, name) => (typeof name === 'string' && name !== 'then' ? proxied([...path, name], call) : undefined),
    apply: (_, _this, args: unknown[]) => call(path, args),
  })
}

async function answer(served: object, { id, path, args }: Extract<Packet, { type: 'call' }>): Promise<Packet> {
  try {
    let found: unknown = served
    let owner: unknown
    for (const name of path) {
      owner = found
      found =
        typeof found === 'object' && found !== null && Object.hasOwn(found, name)
          ? (found as Readonly<Record<string, unknown>>)[name]
          : undefined
    }
    if (typeof found !== 'function') throw new Error(`nothing is served as ${path.join('.')}`)
    return { type: 'answer', id, value: await (found.apply(owner, args) as unknown) }
  } catch (error) {
    return { type: 'answer', id, error: wired(error) }
  }
}

/** Errors that somebody catches by their kind. */
const KINDS = new Map([Conflict, Fenced, Settled, QueueDown, Lost].map((kind) => [kind.name, kind]))

function wired(error: unknown): Wire {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return {
    kind: error instanceof Error ? error.constructor.name : '',
    message: messageOf(error),
    // However the database said it: the other side knows it by this one.
    code: isDatabaseDown(error) ? CONNECTION_LOST : code,
    hint: error instanceof UserError ? error.hint : undefined,
  }
}

function unwired({ kind, message, code, hint }: Wire): Error {
  if (kind === UserError.name) return new UserError(code ?? 'internal', message, hint ? { hint } : {})
  const Kind = KINDS.get(kind) ?? Error
  return Object.assign(new Kind(message), code ? { code } : {})
}
