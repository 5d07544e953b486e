import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { Redis } from 'ioredis'
import { unusedPort } from '../../../rehearsal/stage.ts'

/** A PostgreSQL and a Redis of our own, that can be broken without harm to anybody. */

function binaries(): string | undefined {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).toSorted((a, b) => Number(b) - Number(a)) : []
  const dirs = versions.map((version) => join(root, version, 'bin'))
  return [...dirs, '/usr/local/bin', '/usr/bin'].find((dir) => existsSync(join(dir, 'initdb')))
}

/** Whether PostgreSQL's and Redis's own programs are here. */
export function hasPrograms(): boolean {
  return binaries() !== undefined && spawnSync('redis-server', ['--version']).status === 0
}

const postgresId = () => Number(spawnSync('id', ['-u', 'postgres'], { encoding: 'utf8' }).stdout.trim())

/** PostgreSQL refuses to run as root: then it runs as its own user. */
function asPostgres(file: string, args: readonly string[]): { file: string; args: string[] } {
  return process.getuid?.() === 0
    ? { file: 'setpriv', args: ['--reuid', 'postgres', '--regid', 'postgres', '--clear-groups', file, ...args] }
    : { file, args: [...args] }
}

export class Cluster {
  readonly port: number
  readonly #dir: string
  readonly #bin: string

  private constructor(port: number, dir: string, bin: string) {
    this.port = port
    this.#dir = dir
    this.#bin = bin
  }

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<Cluster> {
    const bin = binaries()
    if (!bin) throw new Error('PostgreSQL is not installed')
    const dir = mkdtempSync(join(tmpdir(), 'muster-pg-'))
    chmodSync(dir, 0o755)
    if (process.getuid?.() === 0) chownSync(dir, postgresId(), -1)
    const cluster = new Cluster(await unusedPort(), join(dir, 'data'), bin)
    cluster.#run('initdb', ['-D', cluster.#dir, '-U', 'postgres', '-A', 'trust', '--no-sync'])
    cluster.#options = Object.entries(settings)
      .flatMap(([name, value]) => ['-c', `${name}=${value}`])
      .join(' ')
    cluster.up()
    return cluster
  }

  #options = ''

  #run(program: string, args: readonly string[]): void {
    const { file, args: all } = asPostgres(join(this.#bin, program), args)
    const { status, stderr } = spawnSync(file, all, { encoding: 'utf8', cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] })
    if (status !== 0) throw new Error(`${program} failed: ${stderr}`)
  }

  /**
   * Without fsync: what is broken here are processes, never the machine, so nothing that was written is lost; and after a
   * stop at once PostgreSQL would bring every file of every database to the disk first, which takes minutes on a slow one.
   */
  up(): void {
    const options = `-p ${this.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off ${this.#options}`
    const wait = ['-w', '-t', '600', '-s']
    this.#run('pg_ctl', ['-D', this.#dir, ...wait, '-l', join(this.#dir, 'log'), '-o', options, 'start'])
  }

  /** As a power cut would end it. */
  down(): void {
    this.#run('pg_ctl', ['-D', this.#dir, '-w', '-s', '-m', 'immediate', 'stop'])
  }

  restart(): void {
    this.down()
    this.up()
  }

  url(database: string): string {
    return `postgresql://postgres@127.0.0.1:${this.port}/${database}`
  }

  async create(database: string): Promise<string> {
    const client = new pg.Client({ connectionString: this.url('postgres') })
    await client.connect()
    await client.query(`CREATE DATABASE ${database}`)
    await client.end()
    return this.url(database)
  }

  stop(): void {
    try {
      this.down()
    } catch {
      // It is down already.
    }
    rmSync(join(this.#dir, '..'), { recursive: true, force: true })
  }
}

export class RedisServer {
  readonly port: number
  #child: ChildProcess | undefined

  private constructor(port: number) {
    this.port = port
  }

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await unusedPort())
    await server.up()
    return server
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  async up(): Promise<void> {
    const args = [
      '--port',
      String(this.port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
      '--dir',
      tmpdir(),
    ]
    this.#child = spawn('redis-server', args, { stdio: 'ignore' })
    const until = Date.now() + 10_000
    while (Date.now() < until)
      if (
        await this.#do((client) => client.ping()).then(
          () => true,
          () => false,
        )
      )
        return
    throw new Error('Redis does not start')
  }

  /** kill -9: everything in it is gone. */
  async kill(): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((done) => child.once('exit', done))
    child.kill('SIGKILL')
    await ended
  }

  async flush(): Promise<void> {
    await this.#do((client) => client.flushall())
  }

  async #do<T>(action: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(this.url, { lazyConnect: true, retryStrategy: () => null, connectTimeout: 500 })
    client.on('error', () => {})
    try {
      await client.connect()
      return await action(client)
    } finally {
      client.disconnect()
      await new Promise((done) => setTimeout(done, 20))
    }
  }
}
