import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { join } from 'node:path'
import pg from 'pg'
import { Shapes } from '../../../rehearsal/github/shapes.ts'
import { git, identity } from '../../../rehearsal/github/git.ts'
import { now, type Issue } from '../../../rehearsal/github/world.ts'
import { setStage, type Stage, unusedPort } from '../../../rehearsal/stage.ts'
import { openHole } from './hole.ts'
import { environmentOf, type Kind, Managed } from './processes.ts'

export interface FieldOptions {
  readonly databaseUrl: string | undefined
  readonly redisUrl?: string | undefined
  readonly env?: Readonly<Record<string, string>>
  /** Seconds of the watch after a deploy; no environment at all where undefined. */
  readonly release?: boolean
}

/** What the stand-ins told: every model call, every deploy. */
export interface Told {
  readonly model: Asked[]
  /** Calls for turns that were saved already. */
  readonly paidAgain: Asked[]
  readonly applied: string[]
}

interface Asked {
  readonly taskId: string
  readonly step: string
  readonly attempt: number
  readonly turn: number
}

/** Muster on a database (and a Redis) with the rehearsal's GitHub and people who merge at once. */
export class Field {
  readonly stage: Stage
  readonly told: Told
  readonly options: FieldOptions
  readonly db: pg.Pool
  readonly processes: Managed[] = []
  githubUrl: string
  readonly #control: { readonly url: string; readonly server: Server }
  #merging: Promise<unknown> = Promise.resolve()

  private constructor(
    stage: Stage,
    control: { url: string; server: Server },
    told: Told,
    options: FieldOptions,
    db: pg.Pool,
  ) {
    this.stage = stage
    this.told = told
    this.options = options
    this.#control = control
    this.githubUrl = stage.github.url
    this.db = db
    stage.world.watch((entry) => {
      const waits =
        entry.what === 'commented' && entry.who === stage.world.bot.login && entry.text.includes('waits for approval')
      if (waits && !entry.text.includes('### Muster: '))
        this.#merging = this.#merging.then(() =>
          stage.people.comment('alice', Number(entry.where.slice(1)), '@muster approve'),
        )
      if (entry.what === 'marked as ready for review')
        this.#merging = this.#merging.then(() => this.#merge(Number(entry.where.slice(1))))
    })
  }

  static async open(options: FieldOptions): Promise<Field> {
    const release =
      options.release === false
        ? ''
        : 'environments:\n  production: { start: x, port: 1, watch: 1s, auto: true, approval: other }\n'
    const stage = await setStage({
      prepare: (folder) => {
        mkdirSync(join(folder, '.github'), { recursive: true })
        writeFileSync(
          join(folder, '.github/muster.yml'),
          `approve_plan: never\nplanning: apart\nreview: { quiet: 1s }\n${release}`,
        )
      },
    })
    const told: Told = { model: [], paidAgain: [], applied: [] }
    const db = new pg.Pool({ connectionString: options.databaseUrl, max: 2 })
    db.on('error', () => {})
    return new Field(stage, await startControl(stage, told, db), told, options, db)
  }

  /** The same, on a way to GitHub on which some requests are never answered. */
  static async openWithHole(options: FieldOptions, isLost: (request: IncomingMessage) => boolean) {
    const field = await Field.open(options)
    const hole = await openHole(field.stage.github.url, isLost)
    field.githubUrl = hole.url
    const close = async () => {
      await field.close()
      await hole.close()
    }
    return { field, swallowed: hole.swallowed, close }
  }

  /** Asks for a task. @returns after how many ms Muster was first seen in it */
  async firstSeen(): Promise<number> {
    const { people, world } = this.stage
    const issue = await people.openIssue('alice', 'Totals are wrong', 'See the totals.')
    const seen = new Promise<number>((resolve) => {
      const asked = Date.now()
      const stop = world.watch(({ who, where }) => {
        if (who !== world.bot.login || where !== `#${issue.number}`) return
        stop()
        resolve(Date.now() - asked)
      })
      setTimeout(resolve, 10_000, 10_000).unref()
    })
    await people.label('alice', issue.number, 'muster')
    return seen
  }

  /** Makes a process; `spawn()` starts it. */
  async process(kind: Kind, extra: Readonly<Record<string, string>> = {}): Promise<Managed> {
    const { world, dir } = { world: this.stage.world, dir: this.stage.dir }
    const port = kind === 'worker' ? 0 : await unusedPort()
    const { databaseUrl, redisUrl, env = {} } = this.options
    const managed = new Managed(
      kind,
      port,
      environmentOf(kind, port, {
        databaseUrl,
        redisUrl,
        env: {
          MUSTER_TEST_CONTROL: this.#control.url,
          MUSTER_DATA: join(dir, 'data'),
          MUSTER_PUBLIC_URL: `http://127.0.0.1:${port}`,
          APP_ID: String(world.app.id),
          PRIVATE_KEY: world.app.privateKey,
          WEBHOOK_SECRET: world.app.webhookSecret,
          GITHUB_API_URL: `${this.githubUrl}/api/v3`,
          GITHUB_SERVER_URL: this.githubUrl,
          ...env,
          ...extra,
        },
      }),
      join(dir, `process-${this.processes.length}.log`),
    )
    this.processes.push(managed)
    if (kind !== 'worker') world.app.webhookUrl = `http://127.0.0.1:${port}/api/github/webhooks`
    return managed
  }

  async spawn(
    kind: Kind,
    extra: Readonly<Record<string, string>> = {},
    once: Readonly<Record<string, string>> = {},
  ): Promise<Managed> {
    const managed = await this.process(kind, extra)
    managed.spawn(once)
    await managed.ready()
    return managed
  }

  /** An issue with the label on it: one task. */
  async ask(title = 'Totals are wrong'): Promise<Issue> {
    const issue = await this.stage.people.openIssue('alice', title, 'See the totals.')
    await this.stage.people.label('alice', issue.number, 'muster')
    return issue
  }

  /** Merges as a person would, without the work of it: what counts here is what Muster makes of it. */
  async #merge(number: number): Promise<void> {
    const { world, repo, github } = this.stage
    const issue = world.issues.find((one) => one.number === number)
    const bob = world.person('bob')
    if (!issue?.pull || issue.pull.merged) return
    issue.pull.merged = { sha: issue.pull.headSha, by: bob, at: now() }
    issue.state = 'closed'
    world.addEvent('merged', number, bob)
    await github.hooks.emit('pull_request', 'closed', repo, bob, {
      number,
      pull_request: new Shapes(world).pull(issue, repo),
    })
  }

  /** What GitHub could not deliver is sent again, as Muster would ask for it. */
  async redeliver(): Promise<void> {
    const { world, github } = this.stage
    const failed = new Map(
      world.deliveries.filter((one) => one.statusCode < 200 || one.statusCode >= 300).map((one) => [one.guid, one]),
    )
    for (const one of world.deliveries) if (one.statusCode >= 200 && one.statusCode < 300) failed.delete(one.guid)
    for (const one of failed.values()) await github.hooks.redeliver(one)
  }

  async count(sql: string): Promise<number> {
    const { rows } = await this.db.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${sql}`)
    return rows[0]?.n ?? 0
  }

  /** Waits until so many tasks have ended, and nothing is left to send or to decide. */
  async settled(tasks: number, timeoutMs: number): Promise<void> {
    const until = Date.now() + timeoutMs
    let last = ''
    while (Date.now() < until) {
      try {
        await this.redeliver()
        const [done, open, undecided] = [
          await this.count('task WHERE finished_at IS NOT NULL'),
          await this.count("effect WHERE status IN ('intent', 'sent', 'unknown')"),
          await this.count('inbound_event WHERE decided_at IS NULL'),
        ]
        last = `${done} of ${tasks} tasks ended, ${open} effects open, ${undecided} events undecided`
        if (done >= tasks && open === 0 && undecided === 0) return
      } catch (error) {
        last = String(error)
      }
      await new Promise((done) => setTimeout(done, 200))
    }
    throw new Error(`not settled after ${Math.round(timeoutMs / 1000)} s: ${last}`)
  }

  async close(): Promise<void> {
    await Promise.all(this.processes.map((one) => one.stop('SIGKILL')))
    await this.db.end().catch(() => {})
    this.#control.server.closeAllConnections()
    this.#control.server.close()
    await this.stage.close()
  }
}

/** The services behind the light stand: a push, a deploy target, and the count of model calls. */
async function startControl(stage: Stage, told: Told, db: pg.Pool): Promise<{ url: string; server: Server }> {
  const base = await git(stage.repo.dir, ['rev-parse', 'main'])
  const tree = await git(stage.repo.dir, ['rev-parse', 'main^{tree}'])
  const answers: Readonly<Record<string, (body: Record<string, never>) => Promise<unknown>>> = {
    '/model': async (body) => {
      const asked: Asked = body as never
      told.model.push(asked)
      const { rows } = await db.query(
        'SELECT 1 FROM turn WHERE task_id = $1 AND step = $2 AND attempt = $3 AND ordinal = $4',
        [asked.taskId, asked.step, asked.attempt, asked.turn],
      )
      if (rows.length > 0) told.paidAgain.push(asked)
    },
    '/push': async ({ branch, message, at }) => {
      // The same input is the same commit, as with the real one.
      const time = {
        GIT_AUTHOR_DATE: `@${Math.floor(Number(at) / 1000)} +0000`,
        GIT_COMMITTER_DATE: `@${Math.floor(Number(at) / 1000)} +0000`,
      }
      const sha = await git(
        stage.repo.dir,
        ['commit-tree', tree, '-p', base, '-m', `${String(branch)}: ${String(message)}`],
        { ...identity('muster'), ...time },
      )
      await git(stage.repo.dir, ['update-ref', `refs/heads/${String(branch)}`, sha])
      return { sha }
    },
    '/apply': async ({ releaseId }) => void told.applied.push(String(releaseId)),
    '/observe': async ({ releaseId }) => ({ state: told.applied.includes(String(releaseId)) ? 'live' : 'absent' }),
  }
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      const answer = answers[request.url ?? '']
      Promise.resolve(answer?.(JSON.parse(text)))
        .then((body) => response.end(JSON.stringify(body ?? {})))
        .catch((error: unknown) => response.writeHead(500).end(String(error)))
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, server }
}
