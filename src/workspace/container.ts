import { randomUUID } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { UserError } from '../core/errors.ts'
import { foldersOf, limited, type SandboxLimits, throughWay, withServices } from './confined.ts'
import { INSIDE } from './inside.ts'
import { findProgram } from './programs.ts'
import { seccompProfile } from './seccomp.ts'
import { run } from './spawn.ts'
import { handOver, isRoot, SANDBOX_ID } from './unprivileged.ts'
import type { Bind, InsideFile, RunResult, SandboxCommand, Walls } from './types.ts'
import { placesOf, wallsAround } from './walls.ts'
import type { WayOut } from './wayout.ts'

/** The programs that run containers, the one preferred first: Podman needs no daemon, and no root. */
const ENGINES = ['podman', 'docker']

/** A container engine, as it is called. */
export interface Engine {
  readonly program: string
  readonly args: readonly string[]
}

/**
 * The engine that the operator names, with options of its own, or the first that is installed.
 * @throws UserError `no_engine` where there is none
 */
export function findEngine(named: string | undefined): Engine {
  const [name, ...args] = (named ?? '').split(/\s+/).filter(Boolean)
  const program = (name === undefined ? ENGINES : [name]).map(findProgram).find((one) => one !== undefined)
  if (program !== undefined) return { program, args }
  throw new UserError('no_engine', `There is no ${name ?? 'Podman or Docker'} here, so no container can be run.`, {
    hint: 'Install Podman (`apt install podman`), or name another engine by MUSTER_CONTAINERS.',
  })
}

// The engine's own process may be killed, and the container would go on. Its standard input ends with that process, and then all
// that runs in it is ended; at the latest once the command's time is up. What the command itself reads comes from a file.
const WATCHED = `echo "$MUSTER_SIGN"; exec 3<&0; (while read -r _ <&3; do :; done; kill -KILL -1) & exec 3<&-; (sleep "$MUSTER_SECONDS"; kill -KILL -1) & "$@" < "$MUSTER_STDIN" & wait $!`

/** What it is made of where a repository names no image: nothing, and the machine's own programs are put into it. */
const EMPTY = 'localhost/muster-empty:1'
const SLACK_SECONDS = 60
const STDIN = '/run/muster/stdin'

/** Runs a command in a container. @throws UserError `no_sandbox`, `no_image` where it cannot be: nothing ran */
export async function contained(
  engine: Engine,
  command: SandboxCommand,
  limits: SandboxLimits,
  way: WayOut | undefined,
): Promise<RunResult> {
  for (const dir of foldersOf(command)) await handOver(dir)
  if (command.image === undefined) await makeEmpty(engine)
  else if (!(await hasImage(engine, command.image)))
    throw new UserError('no_image', `The image ${command.image} is not on this machine.`, {
      hint: `Fetch it (\`${basename(engine.program)} pull ${command.image}\`), then \`retry\`.`,
    })
  const walls = wallsAround(command, placesOf(command), way, limits.tmpBytes)
  const dir = await mkdtemp(join(tmpdir(), 'muster-container-'))
  const [name, sign] = [`muster-${randomUUID()}`, `walls: built ${randomUUID()}`]
  let isOver = false
  try {
    const files = await staged(dir, [...walls.files.map(asAccount), { path: STDIN, text: command.stdin ?? '' }])
    const seconds = Math.ceil(command.timeoutMs / 1000) + SLACK_SECONDS
    const env = { ...walls.env, MUSTER_STDIN: STDIN, MUSTER_SIGN: sign, MUSTER_SECONDS: `${seconds}` }
    const profile = join(dir, 'seccomp.json')
    await writeFile(profile, JSON.stringify(seccompProfile()))
    const args = [
      ...engine.args,
      'run',
      `--name=${name}`,
      `--security-opt=seccomp=${profile}`,
      ...optionsOf(engine, { ...walls, env }, files, limits),
    ]
    const what = [command.image ?? EMPTY, '-c', WATCHED, 'sh', ...throughWay(command, way), ...withServices(command)]
    const rest = { cwd: '/', env: engineEnv(), keepsStdin: true }
    const result = await limited(
      { ...command, stdin: undefined },
      limits.work,
      engine.program,
      [...args, ...what],
      rest,
    )
    isOver = !result.timedOut
    if (!result.output.includes(sign) && !result.timedOut) throw noContainer(result.output)
    return { ...result, output: result.output.replace(`${sign}\n`, '') }
  } finally {
    // Ended by force it has no end of its own.
    if (!isOver) await call(engine, ['rm', '--force', name]).catch(() => {})
    await rm(dir, { recursive: true, force: true })
  }
}

function noContainer(output: string): UserError {
  return new UserError('no_sandbox', `No container can be started here, so nothing was run: ${output.slice(-500)}`, {
    hint: 'Does the engine run one by hand? MUSTER_CONTAINERS names another, or options of it (docs/languages.md).',
  })
}

/** Files that are only there inside, on the machine for as long as the command runs. */
async function staged(dir: string, files: readonly InsideFile[]): Promise<Bind[]> {
  const all = files.map(({ path }, nth) => ({ from: join(dir, `${nth}`), to: path }))
  for (const [nth, { text }] of files.entries()) await writeFile(join(dir, `${nth}`), text)
  await chmod(dir, 0o711)
  return all
}

async function makeEmpty(engine: Engine): Promise<void> {
  if (await hasImage(engine, EMPTY)) return
  const dir = await mkdtemp(join(tmpdir(), 'muster-container-'))
  try {
    // A tape archive of nothing ends with two empty blocks.
    const tar = join(dir, 'empty.tar')
    await writeFile(tar, Buffer.alloc(1024))
    const { exitCode, output } = await call(engine, ['import', tar, EMPTY])
    if (exitCode !== 0) throw noContainer(output)
  } finally {
    await rm(dir, { recursive: true })
  }
}

function optionsOf(engine: Engine, walls: Walls, files: readonly Bind[], limits: SandboxLimits): string[] {
  return [
    '--rm',
    '--interactive',
    '--pull=never',
    '--network=none',
    '--hostname=sandbox',
    '--read-only',
    '--cap-drop=all',
    '--security-opt=no-new-privileges',
    '--security-opt=label=disable',
    ...whoIs(engine),
    `--tmpfs=/tmp:rw,exec,nosuid,nodev,size=${walls.tmpBytes},mode=1777`,
    `--memory=${limits.memoryBytes}`,
    `--pids-limit=${limits.processes}`,
    '--ulimit=core=0:0',
    '--ulimit=nofile=4096:4096',
    `--ulimit=nproc=${limits.processes * 4}:${limits.processes * 4}`,
    `--ulimit=fsize=${limits.fileBytes}:${limits.fileBytes}`,
    `--workdir=${INSIDE.work}`,
    ...[...walls.readable, ...files].flatMap(({ from, to }) => [`--volume=${from}:${to}:ro`]),
    ...walls.writable.flatMap(({ from, to }) => [`--volume=${from}:${to}:rw`]),
    ...Object.entries(walls.env).map(([key, value]) => `--env=${key}=${value}`),
    '--entrypoint=/bin/sh',
  ]
}

/** The account that a command has: the one whose the folders are. */
function account(): { readonly id: number; readonly group: number } {
  if (isRoot()) return { id: SANDBOX_ID, group: SANDBOX_ID }
  return { id: process.getuid?.() ?? SANDBOX_ID, group: process.getgid?.() ?? SANDBOX_ID }
}

/** Elsewhere commands have a number of their own; here it is the account's, which is called the same. */
function asAccount({ path, text }: InsideFile): InsideFile {
  const { id, group } = account()
  const named = text
    .replace('muster:x:1000:1000:', `muster:x:${id}:${group}:`)
    .replace('muster:x:1000:', `muster:x:${group}:`)
  return { path, text: named }
}

function whoIs({ program }: Engine): string[] {
  const { id, group } = account()
  const isRootless = !isRoot() && program.endsWith('podman')
  return [`--user=${id}:${group}`, ...(isRootless ? ['--userns=keep-id'] : [])]
}

const PATIENCE_MS = 20 * 60_000

/** Calls the engine for something of its own. It has the environment that it needs, and no command sees it. @param more variables beside that, and how long it may take */
export function call(
  engine: Engine,
  args: readonly string[],
  {
    env = {},
    timeoutMs = PATIENCE_MS,
  }: { readonly env?: Readonly<Record<string, string>>; readonly timeoutMs?: number } = {},
) {
  return run(engine.program, [...engine.args, ...args], { env: { ...env, ...engineEnv() }, timeoutMs })
}

/** What the engines read: where they keep things, and where Docker's daemon listens. */
export function engineEnv(): Record<string, string> {
  const names = [
    'PATH',
    'HOME',
    'XDG_RUNTIME_DIR',
    'DOCKER_HOST',
    'CONTAINER_HOST',
    'CONTAINERS_CONF',
    'CONTAINERS_REGISTRIES_CONF',
    'DBUS_SESSION_BUS_ADDRESS',
  ]
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}

/** Images that were seen here. One that is removed afterwards is missed by the engine itself, which says so. */
const seen = new Set<string>()

/** Whether an image is on this machine. */
export async function hasImage(engine: Engine, image: string): Promise<boolean> {
  const key = `${engine.program} ${engine.args.join(' ')} ${image}`
  if (seen.has(key)) return true
  const isThere = (await call(engine, ['image', 'inspect', image])).exitCode === 0
  if (isThere) seen.add(key)
  return isThere
}

/** Brings an image onto this machine. @throws UserError `no_image` */
export async function pullImage(engine: Engine, image: string): Promise<void> {
  const { exitCode, output } = await call(engine, ['pull', '--quiet', image])
  if (exitCode === 0) return
  throw new UserError('no_image', `The image ${image} could not be fetched.`, {
    hint: 'Does it exist, and may this machine read it?',
    cause: new Error(output.slice(-2000)),
  })
}
