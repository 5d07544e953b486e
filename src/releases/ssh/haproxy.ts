import { connect } from 'node:net'
import { z } from 'zod'
import { UserError } from '../../core/errors.ts'
import type { Counters } from './counts.ts'
import type { Remote } from './remote.ts'

/** What of HAProxy's runtime API is used: HAProxy management guide, 9.1 "CSV format", 9.3 "Unix Socket commands". */

const PATIENCE_MS = 10_000
const MAX_ANSWER = 4_000_000
/** The kind of line that tells of a server. */
const OF_SERVERS = 4

const Field = z.object({
  field: z.object({ name: z.string() }),
  value: z.object({ value: z.union([z.string(), z.number()]) }),
})
const Stats = z.array(z.array(Field))
const count = z.number().default(0)
const Line = z.object({
  svname: z.string(),
  mode: z.string().optional(),
  addr: z.string().optional(),
  status: z.string(),
  uweight: z.number(),
  scur: count,
  stot: count,
  hrsp_1xx: count,
  hrsp_2xx: count,
  hrsp_3xx: count,
  hrsp_4xx: count,
  hrsp_5xx: count,
  hrsp_other: count,
  econ: count,
  wretr: count,
  wredis: count,
  srv_abrt: count,
})

/** A server of a backend, as HAProxy has it now. */
export interface Server {
  readonly name: string
  /** `address:port` */
  readonly address: string
  readonly mode: string | undefined
  /** How much it is given, beside the others; 0: nothing. */
  readonly weight: number
  /** Whether somebody has taken it out of service (`MAINT`, `DRAIN`). */
  readonly isOff: boolean
  /** Whether HAProxy's own checks find that it answers. */
  readonly isUp: boolean
  readonly counters: Counters
}

/** One backend of a host's HAProxy, by its admin socket. */
export class Backend {
  readonly #remote: Remote
  readonly #socket: string
  readonly #name: string

  constructor(remote: Remote, socket: string, name: string) {
    this.#remote = remote
    this.#socket = socket
    this.#name = name
  }

  /** @throws UserError where there is no such backend, or it has not two servers at least */
  async servers(): Promise<readonly Server[]> {
    const answer = await this.#ask(`show stat ${this.#name} ${OF_SERVERS} -1 json`)
    const servers = serversIn(answer)
    const isHttp = servers.every(({ mode }) => mode === undefined || mode === 'http')
    if (!isHttp)
      throw new UserError('no_http', `HAProxy's backend \`${this.#name}\` has not \`mode http\`.`, {
        hint: 'Without it HAProxy counts no requests.',
      })
    const odd = servers.find(({ address }) => !/^[\d.]+:\d+$/.test(address))
    if (odd)
      throw new UserError(
        'no_port',
        `\`${odd.name}\` of HAProxy's backend \`${this.#name}\` is no port of that host.`,
        {
          hint: 'Its address has to be one such as 127.0.0.1:8101.',
        },
      )
    if (servers.length >= 2) return servers
    throw new UserError('no_backend', `HAProxy has no backend \`${this.#name}\` with two servers.`, {
      hint: 'A release goes live on the one that the release before is not on; `docs/releases.md` has an example.',
    })
  }

  /** Gives servers so much, those that get more first: somebody serves all the while. @throws UserError where HAProxy refuses */
  async give(weights: Readonly<Record<string, number>>): Promise<void> {
    const first = Object.entries(weights).toSorted(([, a], [, b]) => b - a)
    // At once: what breaks in the middle leaves no half of it.
    await this.#done(...first.map(([server, weight]) => `set weight ${this.#name}/${server} ${weight}`))
  }

  /** How its servers stand, as it reads that when it starts. */
  state(): Promise<string> {
    return this.#ask(`show servers state ${this.#name}`)
  }

  async #done(...commands: readonly string[]): Promise<void> {
    const answer = (await this.#ask(commands.join('; '))).trim()
    if (answer !== '') throw new UserError('haproxy', `HAProxy did not do it: ${answer.slice(0, 300)}`)
  }

  async #ask(command: string): Promise<string> {
    const path = await this.#remote.socket(this.#socket)
    const answer = await exchanged(path, `${command}\n`)
    if (answer !== undefined) return answer
    throw new UserError('no_haproxy', `HAProxy does not answer at \`${this.#socket}\` of its host.`, {
      hint: 'Does it run, with `stats socket … level admin`, and may the account there use that socket? MUSTER_DEPLOY_HAPROXY names another.',
    })
  }
}

/** What `show stat … json` says of servers. */
function serversIn(json: string): readonly Server[] {
  const found = Stats.safeParse(parsed(json))
  return (found.data ?? []).map((fields) => {
    const line = Line.parse(Object.fromEntries(fields.map(({ field, value }) => [field.name, value.value])))
    return {
      name: line.svname,
      address: line.addr ?? '',
      mode: line.mode,
      weight: /^MAINT|^DRAIN/.test(line.status) ? 0 : line.uweight,
      isOff: /^MAINT|^DRAIN/.test(line.status),
      isUp: /^UP|^no check/.test(line.status),
      counters: countersOf(line),
    }
  })
}

/** Every try counts as a session (`stot`), also one that is made again (`wretr`) or elsewhere (`wredis`). */
function countersOf(line: z.infer<typeof Line>): Counters {
  // `100` and `103` come before an answer, and `101` is the end of HTTP: none of them is one.
  const answered = line.hrsp_2xx + line.hrsp_3xx + line.hrsp_4xx + line.hrsp_5xx + line.hrsp_other
  return {
    answered,
    failed: line.hrsp_5xx,
    cut: line.srv_abrt,
    refused: line.econ + line.wredis,
    lost: line.stot - line.scur - line.wretr - line.wredis - line.econ - line.hrsp_1xx - answered,
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

/** Undefined where nobody answers. */
function exchanged(path: string, text: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(path)
    const ended = (what: string | undefined) => {
      socket.destroy()
      resolve(what)
    }
    socket.setTimeout(PATIENCE_MS, () => ended(undefined))
    socket.setEncoding('utf8').on('data', (part: string) => {
      answer += part
      if (answer.length > MAX_ANSWER) ended(undefined)
    })
    // Every answer ends with an empty line: nothing at all is no answer.
    socket.on('end', () => ended(answer === '' ? undefined : answer))
    socket.on('error', () => ended(undefined))
    socket.end(text)
  })
}
