import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import type { Env } from '../../core/environment.ts'
import { UserError } from '../../core/errors.ts'
import { run } from '../../workspace/spawn.ts'
import { mayUseLocal } from '../containers/allowed.ts'
import { type Ask, fetchedImage, idOf, lastLine, mustBeBuilt, recipeOf } from '../containers/images.ts'
import { BUILD_MS, LOG_LINES, MAX_LOG, nameOf, notStarted, optionsOf, tagOf } from '../containers/options.ts'
import { containerSettings } from '../containers/settings.ts'
import { buildLog, containerLog, releaseFolder } from '../local/log.ts'
import { secretsOf } from '../secrets.ts'
import type { ApplyInput, ContainerCommand, ReleaseRow } from '../types.ts'
import type { Remote } from './remote.ts'

const SHORT_MS = 60_000
const START_MS = 5 * 60_000
const PULL_MS = 20 * 60_000
const HEALTH_MS = 5000
const STOP_SECONDS = 5

/** Which engine that host has: Podman needs no daemon, and no root. */
const FIND = 'for one in podman docker; do command -v "$one" && exit; done; exit 1'
// An image of what is read, with no logins but what it is built of: a commit says what that is.
const BUILD = `set -e; exec 1>&2; dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT HUP INT TERM; mkdir "$dir/files" "$dir/docker"; echo '{}' > "$dir/none.json"; tar -xpf - -C "$dir/files"; file=$1; shift; REGISTRY_AUTH_FILE="$dir/none.json" DOCKER_CONFIG="$dir/docker" "$@" --file "$dir/files/$file" "$dir/files"`
const KEEP_STATE = `umask 022; mkdir -p "$HOME/.muster/haproxy"; cd "$HOME/.muster/haproxy"; cat > "$1.part" && mv "$1.part" "$1.state"`

/** The containers of a host that is reached by SSH. */
export class Machine {
  readonly #remote: Remote
  readonly #env: Env
  readonly #dir: string
  #engine: Promise<string> | undefined

  /** @param dir the data folder here */
  constructor(remote: Remote, env: Env, dir: string) {
    this.#remote = remote
    this.#env = env
    this.#dir = dir
  }

  /** Its image, there. @returns what it is run of @throws UserError */
  async prepare(row: ReleaseRow, input: ApplyInput): Promise<ContainerCommand> {
    const { image, dockerfile = 'Dockerfile', listens, memory, cpus } = containerSettings(input.environment.settings)
    const made = image
      ? await fetchedImage(this.#asking(PULL_MS, input.signal), row, image, this.#env)
      : await this.#built(row, dockerfile, input)
    return { image: made, listens, memory, cpus }
  }

  /** Of the commit's files, which go there as they are. */
  async #built(row: ReleaseRow, recipe: string, { unpack, signal }: ApplyInput): Promise<string> {
    const here = await mkdtemp(join(tmpdir(), 'muster-build-'))
    try {
      const [files, tar] = [join(here, 'files'), join(here, 'files.tar')]
      await mkdir(files)
      await unpack(files)
      const file = relative(files, recipeOf(files, recipe))
      const packed = await run('tar', ['-cf', tar, '-C', files, '.'], { env: pathEnv(), timeoutMs: BUILD_MS, signal })
      if (packed.exitCode !== 0) throw new Error(`tar: ${packed.output}`)
      const pull = mayUseLocal(row.repository, this.#env) ? [] : ['--pull=true']
      const build = [await this.#program(), 'build', ...pull, '--tag', tagOf(row)]
      // Where the other end goes away in the middle, that says why.
      const talk = ({ input }: { input: NodeJS.WritableStream }) =>
        void pipeline(createReadStream(tar), input).catch(() => {})
      const result = await this.#remote.run(['sh', '-c', BUILD, 'sh', file, ...build], {
        talk,
        timeoutMs: BUILD_MS,
        signal,
      })
      await this.#kept(buildLog(this.#dir, row.id), result.said)
      mustBeBuilt({ exitCode: result.exitCode, output: result.said })
      return await idOf(this.#asking(), tagOf(row))
    } finally {
      await rm(here, { recursive: true, force: true })
    }
  }

  /** Runs it where a server of HAProxy expects it, in place of whatever of ours is there. @param server with the backend's name @throws UserError */
  async start(row: ReleaseRow, server: string, address: string): Promise<void> {
    const { container } = row.command
    if (!container) throw new UserError('no_image', 'The image of this release is not kept any more.')
    for (const name of new Set([...(await this.#namesAt(server, '--all')), nameOf(row)]))
      await this.#ask('rm', '--force', name)
    // On no command line, and in no file: whoever lists the processes of that host reads no value.
    const secrets = Object.entries(secretsOf(row, this.#env))
    const broken = secrets.find(([, value]) => /[\r\n]/.test(value))
    if (broken)
      throw new UserError(
        'secret_lines',
        `\`${broken[0]}\` has several lines, which cannot be given to a container there.`,
      )
    const more = ['--restart=always', `--label=muster.server=${server}`, '--env-file=/dev/stdin']
    const argv = ['run', ...optionsOf(row, container, address, more), container.image]
    const stdin = secrets.map((one) => `${one.join('=')}\n`).join('')
    const { exitCode, said } = await this.#remote.run([await this.#program(), ...argv], {
      stdin,
      timeoutMs: START_MS,
    })
    if (exitCode !== 0)
      throw notStarted(said || 'the engine did not answer in time', 'Does the engine there run one by hand?')
  }

  /** @throws UserError where the host, or its engine, cannot be reached */
  async isThere(): Promise<void> {
    const { exitCode, output } = await this.#ask('ps', '--quiet')
    if (exitCode !== 0)
      throw new UserError('no_engine', `The container engine there does not answer: ${lastLine(output)}`)
  }

  async isRunning(row: ReleaseRow): Promise<boolean> {
    const { exitCode, output } = await this.#ask('inspect', '--format', '{{.State.Running}}', nameOf(row))
    return exitCode === 0 && output.trim() === 'true'
  }

  /** How often its engine has started it again. */
  async restarts(row: ReleaseRow): Promise<number | undefined> {
    const { exitCode, output } = await this.#ask('inspect', '--format', '{{.RestartCount}}', nameOf(row))
    return exitCode === 0 && /^\d+$/.test(output.trim()) ? Number(output) : undefined
  }

  /** It ends; what it has printed stays, here. */
  async stop(row: ReleaseRow): Promise<void> {
    const printed = await this.log(row)
    if (printed !== '') await this.#kept(containerLog(this.#dir, row.id), printed)
    await this.#ask('stop', '-t', `${STOP_SECONDS}`, nameOf(row))
    await this.#ask('rm', '--force', nameOf(row))
  }

  /** The commit of what runs where a server of HAProxy expects it. */
  async shaAt(server: string): Promise<string | undefined> {
    const [name] = await this.#namesAt(server)
    if (name === undefined) return undefined
    const { exitCode, output } = await this.#ask('inspect', '--format', '{{index .Config.Labels "muster.sha"}}', name)
    return exitCode === 0 ? output.trim() || undefined : undefined
  }

  async #namesAt(server: string, ...more: readonly string[]): Promise<readonly string[]> {
    const asked = ['ps', ...more, '--filter', `label=muster.server=${server}`, '--format', '{{.Names}}']
    const { exitCode, output } = await this.#ask(...asked)
    if (exitCode !== 0)
      throw new UserError('no_engine', `The container engine there does not answer: ${output.slice(-200)}`)
    return output.split(/\s+/).filter(Boolean)
  }

  /** The last lines that it has printed; the engine gives what went to its standard error on its own. */
  async log(row: ReleaseRow): Promise<string> {
    const argv = [await this.#program(), 'logs', '--tail', `${LOG_LINES}`, nameOf(row)]
    const { exitCode, printed, said } = await this.#remote.run(argv, { timeoutMs: SHORT_MS })
    return exitCode === 0 ? `${printed}${said}`.slice(-MAX_LOG) : ''
  }

  async #kept(file: string, text: string): Promise<void> {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text.slice(-MAX_LOG), { mode: 0o600 })
  }

  /** What was built of it goes. */
  async dropImage(row: ReleaseRow): Promise<void> {
    await this.#ask('rmi', tagOf(row))
  }

  /** It is kept no more. */
  async forget(row: ReleaseRow): Promise<void> {
    await rm(releaseFolder(this.#dir, row.id), { recursive: true, force: true })
    await this.#ask('rm', '--force', nameOf(row))
    // By its own name: the same image may be other environments', too. What was fetched stays for whoever prunes.
    await this.dropImage(row)
  }

  /** Whether what listens there answers its health check. */
  async answers(address: string, health: string): Promise<boolean> {
    const socketPath = await this.#remote.socket(address)
    return new Promise((resolve) => {
      const signal = AbortSignal.timeout(HEALTH_MS)
      const request = get({ socketPath, path: health, signal, headers: { host: address } }, (response) => {
        const { statusCode = 0 } = response
        resolve(statusCode >= 200 && statusCode < 300)
        response.destroy()
      })
      request.on('error', () => resolve(false))
    })
  }

  /** Keeps what HAProxy is to go on with where it is started anew. */
  async keepState(backend: string, state: string): Promise<void> {
    const kept = await this.#remote.run(['sh', '-c', KEEP_STATE, 'sh', backend], { stdin: state, timeoutMs: SHORT_MS })
    if (kept.exitCode !== 0) throw new Error(`it could not be written: ${kept.said.trim()}`)
  }

  #ask(...args: string[]): ReturnType<Ask> {
    return this.#asking()(...args)
  }

  #asking(timeoutMs = SHORT_MS, signal?: AbortSignal): Ask {
    return async (...args) => {
      const { exitCode, printed, said } = await this.#remote.run([await this.#program(), ...args], {
        timeoutMs,
        signal,
      })
      return { exitCode, output: exitCode === 0 ? printed : printed + said }
    }
  }

  async #program(): Promise<string> {
    const finding = (this.#engine ??= this.#found())
    return finding.catch((error: unknown) => {
      this.#engine = undefined
      throw error
    })
  }

  async #found(): Promise<string> {
    const { exitCode, printed } = await this.#remote.run(['sh', '-c', FIND], { timeoutMs: SHORT_MS })
    if (exitCode === 0) return printed.trim().split('\n').at(-1) ?? ''
    throw new UserError('no_engine', 'There is neither Podman nor Docker on that host.', {
      hint: 'Install one there (`apt install podman`).',
    })
  }
}

function pathEnv(): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin' }
}
