import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../core/errors.ts'
import { run, type SpawnOptions } from '../../workspace/spawn.ts'
import type { RunResult } from '../../workspace/types.ts'
import { type Printed, printedBy } from '../printed.ts'

/** Whatever the operator's own settings of OpenSSH say: nobody is asked, no key is taken over, nothing of this machine is lent. */
const OPTIONS = [
  'BatchMode=yes',
  'StrictHostKeyChecking=yes',
  'UpdateHostKeys=no',
  'PasswordAuthentication=no',
  'KbdInteractiveAuthentication=no',
  'ForwardAgent=no',
  'ForwardX11=no',
  'PermitLocalCommand=no',
  'RemoteCommand=none',
  'RequestTTY=no',
  'GSSAPIDelegateCredentials=no',
  'VerifyHostKeyDNS=no',
  'NoHostAuthenticationForLocalhost=no',
  'ConnectTimeout=15',
  'ServerAliveInterval=10',
  'ServerAliveCountMax=3',
  'StreamLocalBindUnlink=yes',
  'LogLevel=ERROR',
].flatMap((one) => ['-o', one])
const CONNECT_MS = 60_000
const LOOK_MS = 50
const MAX_ERRORS = 4000
const MAX_PRINTED = 1_000_000
/** What `ssh` itself ends with where there was no connection (ssh(1)). */
const NO_CONNECTION = 255

interface Connection {
  readonly child: ChildProcess
  /** Paths of sockets of this machine that lead somewhere there, by where. */
  readonly ways: Map<string, Promise<string>>
}

/** A host that is reached by OpenSSH's own client, over one connection. */
export class Remote {
  readonly #host: string
  readonly #config: readonly string[]
  readonly #dir: string
  #connection: Promise<Connection> | undefined

  /** @param host as OpenSSH's settings call it @param config a file of such settings; undefined: those of Muster's account */
  constructor(host: string, config: string | undefined) {
    this.#host = host
    this.#config = config === undefined ? [] : ['-F', config]
    // Paths of sockets may be 108 characters long; where temporary files usually are may be deeper.
    this.#dir = mkdtempSync('/tmp/muster-ssh-')
  }

  /** Runs a program there, with its arguments as they are. @throws UserError where the host cannot be reached */
  async run(
    argv: readonly string[],
    options: Pick<SpawnOptions, 'stdin' | 'signal' | 'talk' | 'timeoutMs'>,
  ): Promise<Printed> {
    await this.#connected()
    const args = ['-o', 'ControlMaster=no', '-S', this.#control, '--', this.#host, quoted(argv)]
    const result = await printedBy('ssh', this.#args(args), { ...options, env: envOfSsh() }, MAX_PRINTED)
    if (result.exitCode === NO_CONNECTION) throw this.#unreachable(result.said)
    return result
  }

  /** A socket of this machine that leads to one there. @param to a path there, or `address:port` */
  async socket(to: string): Promise<string> {
    const { ways } = await this.#connected()
    const known = ways.get(to) ?? this.#forward(to, join(this.#dir, `way-${ways.size}`))
    ways.set(to, known)
    // What did not work once may work later.
    known.catch(() => ways.delete(to))
    return known
  }

  async #forward(to: string, path: string): Promise<string> {
    const args = ['-S', this.#control, '-O', 'forward', '-L', `${path}:${to}`, '--', this.#host]
    const { exitCode, output } = await this.#ssh(args, { timeoutMs: CONNECT_MS })
    if (exitCode !== 0) throw this.#unreachable(output)
    return path
  }

  close(): void {
    const open = this.#connection
    this.#connection = undefined
    void open?.then(
      ({ child }) => child.kill(),
      () => {},
    )
    rmSync(this.#dir, { recursive: true, force: true })
  }

  get #control(): string {
    return join(this.#dir, 'control')
  }

  #ssh(args: readonly string[], options: Omit<SpawnOptions, 'env'>): Promise<RunResult> {
    return run('ssh', this.#args(args), { ...options, env: envOfSsh() })
  }

  #args(own: readonly string[]): string[] {
    return [...this.#config, ...OPTIONS, ...own]
  }

  async #connected(): Promise<Connection> {
    const opening = (this.#connection ??= this.#open())
    try {
      const connection = await opening
      if (connection.child.exitCode === null && connection.child.signalCode === null) return connection
    } catch (error) {
      this.#forget(opening)
      throw error
    }
    this.#forget(opening)
    return this.#connected()
  }

  /** What failed, or has ended since, is opened anew by whoever comes next. */
  #forget(connection: Promise<Connection>): void {
    if (this.#connection === connection) this.#connection = undefined
  }

  /** One that all share. It ends with this process, whatever becomes of that: what it runs there reads until nobody writes. */
  async #open(): Promise<Connection> {
    const args = ['-o', 'ControlPersist=no', '-M', '-S', this.#control, '--', this.#host, 'cat >/dev/null']
    const child = spawn('ssh', this.#args(args), {
      env: envOfSsh(),
      stdio: ['pipe', 'ignore', 'pipe'],
    })
    let errors = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => void (errors = (errors + text).slice(-MAX_ERRORS)))
    child.stdin.on('error', () => {})
    child.once('error', (error) => void (errors += String(error)))
    const until = Date.now() + CONNECT_MS
    while (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const { exitCode } = await this.#ssh(['-S', this.#control, '-O', 'check', '--', this.#host], {
        timeoutMs: CONNECT_MS,
      })
      if (exitCode === 0) return { child, ways: new Map() }
      if (Date.now() > until) child.kill()
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    throw this.#unreachable(errors)
  }

  #unreachable(output: string): UserError {
    const host = this.#host
    const cause = new Error(output.trim())
    if (/host key verification failed|remote host identification/i.test(output))
      return new UserError(
        'wrong_host_key',
        `The host \`${host}\` shows a key that is not the one that is known of it.`,
        {
          hint: 'Nothing was sent there. Where the host was set up anew, the operator puts its key into `known_hosts`.',
          cause,
        },
      )
    if (/permission denied/i.test(output))
      return new UserError('not_let_in', `The host \`${host}\` does not let Muster in.`, {
        hint: 'Its key has to stand in `authorized_keys` of the account there.',
        cause,
      })
    return new UserError('no_connection', `The host \`${host}\` cannot be reached now.`, {
      hint: 'Nothing was changed there by this; the reason stands in Muster’s log.',
      cause,
    })
  }
}

function envOfSsh(): Record<string, string> {
  const names = ['PATH', 'HOME', 'USER', 'SSH_AUTH_SOCK']
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}

/** As any shell reads it: each argument as it is. */
function quoted(argv: readonly string[]): string {
  // Not every shell takes a backslash in single quotes for what it is: it stands outside, as the quotes do.
  const apart = (sign: string) => `'\\${sign}'`
  return argv.map((one) => `'${one.replaceAll(/['\\]/g, apart)}'`).join(' ')
}
