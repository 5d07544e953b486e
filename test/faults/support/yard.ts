import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { unusedPort } from '../../../rehearsal/stage.ts'
import { labeled, merged, postSigned, SECRET } from './hooks.ts'
import { auditLedger, Ledger } from './ledger.ts'
import { environmentOf, type Kind, Managed } from './processes.ts'

let key: string | undefined
const privateKey = () =>
  (key ??= generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  }).privateKey)

export interface YardOptions {
  /** Undefined: the embedded one. */
  readonly databaseUrl: string | undefined
  readonly redisUrl?: string | undefined
  readonly release?: boolean
  /** Who approves a deploy; by default nobody has to. */
  readonly approval?: 'none' | 'other'
  /** Whether pull requests are merged as soon as they are ready. */
  readonly merges?: boolean
  readonly quiet?: string
  readonly env?: Readonly<Record<string, string>>
}

/** An answer to a webhook: its status, and how long it took. */
export interface Ack {
  readonly status: number
  readonly ms: number
}

/** Many tasks at once: webhooks posted by hand, the ledger's service in GitHub's place, real processes, a real database. */
export class Yard {
  readonly ledger = new Ledger()
  readonly db: pg.Pool
  readonly dir = mkdtempSync(join(tmpdir(), 'muster-yard-'))
  readonly processes: Managed[] = []
  readonly options: YardOptions
  /** Deliveries that were not accepted; they are posted again as GitHub would on request. */
  readonly missed = new Map<string, { event: string; payload: unknown }>()
  asked = 0
  readonly #webs: Managed[] = []

  private constructor(options: YardOptions) {
    this.options = options
    this.db = new pg.Pool({ connectionString: options.databaseUrl, max: 2 })
    this.db.on('error', () => {})
    if (options.merges !== false) this.ledger.onReady = (issue, pull, sha) => void this.#merge(issue, pull, sha)
  }

  static async open(options: YardOptions): Promise<Yard> {
    const yard = new Yard(options)
    await yard.ledger.listen()
    return yard
  }

  get release(): boolean {
    return this.options.release !== false
  }

  async spawn(
    kind: Kind,
    extra: Readonly<Record<string, string>> = {},
    once: Readonly<Record<string, string>> = {},
  ): Promise<Managed> {
    const port = kind === 'worker' ? 0 : await unusedPort()
    const { databaseUrl, redisUrl, env = {} } = this.options
    const managed = new Managed(
      kind,
      port,
      environmentOf(kind, port, {
        databaseUrl,
        redisUrl,
        env: {
          MUSTER_TEST_CONTROL: this.ledger.url,
          MUSTER_TEST_SETTINGS: this.#settings(),
          MUSTER_DATA: join(this.dir, 'data'),
          APP_ID: '1',
          PRIVATE_KEY: privateKey(),
          WEBHOOK_SECRET: SECRET,
          MUSTER_CONCURRENCY: '16',
          ...env,
          ...extra,
        },
      }),
      join(this.dir, `process-${this.processes.length}.log`),
    )
    this.processes.push(managed)
    if (kind !== 'worker') this.#webs.push(managed)
    managed.spawn(once)
    await managed.ready()
    if (kind === 'worker') await this.#joined(managed)
    return managed
  }

  /** A worker answers no HTTP: it has begun when it is among the processes. Before that, a fault would only keep it from starting. */
  async #joined({ pid }: Managed): Promise<void> {
    const until = Date.now() + 20_000
    const row = `process WHERE split_part(id, '|', 2) = '${pid}'`
    while (Date.now() < until && (await this.count(row).catch(() => 0)) === 0)
      await new Promise((done) => setTimeout(done, 50))
  }

  /** Asks for a task: the label is put on an issue. @param installation whose it is */
  async ask(number: number, installation = 7): Promise<Ack> {
    this.asked++
    return this.post('issues', labeled(number, installation))
  }

  /** Asks for many, so many at a time. */
  async askMany(from: number, count: number, width = 16, installation = 7): Promise<Ack[]> {
    const acks: Ack[] = []
    let next = from
    await Promise.all(
      Array.from({ length: width }, async () => {
        while (next < from + count) acks.push(await this.ask(next++, installation))
      }),
    )
    return acks
  }

  /** Posts a webhook to one of the web processes, signed. */
  async post(event: string, payload: unknown, guid: string = randomUUID()): Promise<Ack> {
    const started = performance.now()
    const web = this.#webs[this.asked % this.#webs.length]
    const status = await postSigned(`http://127.0.0.1:${web?.port}`, event, payload, guid)
    if (status === 202) this.missed.delete(guid)
    else this.missed.set(guid, { event, payload })
    return { status, ms: performance.now() - started }
  }

  #settings(): string {
    const { approval = 'none', quiet = '1s' } = this.options
    const release = `environments:\n  production: { start: x, port: 1, watch: 1s, auto: true, approval: ${approval} }\n`
    return `approve_plan: never\nplanning: apart\nreview: { quiet: ${quiet} }\n${this.release ? release : ''}`
  }

  async #merge(issue: number, pull: number, sha: string): Promise<void> {
    await this.post('pull_request', merged(pull, sha, issue), `merge-${issue}`).catch(() => {})
  }

  async redeliver(): Promise<void> {
    for (const [guid, { event, payload }] of this.missed) await this.post(event, payload, guid)
  }

  async count(from: string): Promise<number> {
    const { rows } = await this.db.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${from}`)
    return rows[0]?.n ?? 0
  }

  /** Waits until everything that was asked for has ended, and nothing is left to send or to decide. */
  async settled(timeoutMs: number, tasks = this.asked): Promise<number> {
    const started = performance.now()
    let last = ''
    while (performance.now() - started < timeoutMs) {
      try {
        await this.redeliver()
        const [done, open, undecided] = [
          await this.count('task WHERE finished_at IS NOT NULL'),
          await this.count("effect WHERE status IN ('intent', 'sent', 'unknown')"),
          await this.count('inbound_event WHERE decided_at IS NULL'),
        ]
        last = `${done} of ${tasks} tasks ended, ${open} effects open, ${undecided} events undecided`
        if (done >= tasks && open === 0 && undecided === 0) return performance.now() - started
      } catch (error) {
        last = String(error)
      }
      await new Promise((done) => setTimeout(done, 200))
    }
    throw new Error(`not settled after ${Math.round(timeoutMs / 1000)} s: ${last}\n${await this.#whatIsOpen()}`)
  }

  /** For whoever looks into a failure: what the unfinished tasks wait for, who has what, and what the processes said last. */
  async #whatIsOpen(): Promise<string> {
    const look = async (sql: string) =>
      this.db.query<Record<string, unknown>>(sql).then(
        ({ rows }) => rows.map((row) => JSON.stringify(row)),
        (error: unknown) => [String(error)],
      )
    const logs = this.processes.map(({ logFile }) => `${logFile}\n${readFileSync(logFile, 'utf8').slice(-1500)}`)
    return [
      ...(await look(
        `SELECT id, status, work, state->'gates'->0->>'kind' AS gate, jsonb_path_query_array(state, '$.steps[*].status') AS steps,
          updated_at FROM task WHERE finished_at IS NULL LIMIT 5`,
      )),
      ...(await look("SELECT *, now() FROM lease WHERE holder <> '' ORDER BY expires_at DESC LIMIT 10")),
      ...(await look('SELECT *, now() FROM process')),
      ...(await look('SELECT * FROM rate')),
      ...logs,
    ].join('\n')
  }

  audit(tasks = this.asked): { duplicates: string[]; lost: string[] } {
    return auditLedger(this.ledger, tasks, this.release)
  }

  async close(): Promise<void> {
    await Promise.all(this.processes.map((one) => one.stop('SIGKILL')))
    await this.db.end().catch(() => {})
    this.ledger.close()
    rmSync(this.dir, { recursive: true, force: true })
  }
}
