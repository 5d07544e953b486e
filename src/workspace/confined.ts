import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { UserError } from '../core/errors.ts'
import { type Group, makeGroup } from './cgroup.ts'
import { INSIDE } from './inside.ts'
import { findProgram } from './programs.ts'
import { type Quota, watchQuota } from './quota.ts'
import { seccompFilter } from './seccomp.ts'
import { run } from './spawn.ts'
import type { Builder, RunResult, SandboxCommand } from './types.ts'
import { dropping, handOver, isReachable, isRoot } from './unprivileged.ts'
import { type Place, placesOf, wallsAround } from './walls.ts'
import type { WayOut } from './wayout.ts'

const SERVICES = readFileSync(new URL('./services.sh', import.meta.url), 'utf8')
const WAY = readFileSync(new URL('./way.mjs', import.meta.url), 'utf8')

/** What a sandboxed command may use. */
export interface SandboxLimits {
  readonly memoryBytes: number
  readonly processes: number
  readonly fileBytes: number
  readonly tmpBytes: number
  /** What the workspace may hold in all. */
  readonly work: Quota
}

const GIB = 1024 ** 3
export const DEFAULT_LIMITS: SandboxLimits = {
  memoryBytes: 4 * GIB,
  processes: 512,
  fileBytes: GIB,
  tmpBytes: 2 * GIB,
  work: { bytes: 6 * GIB, files: 500_000 },
}

/** Runs a command within walls. @throws UserError `no_sandbox` where they cannot be built: nothing ran */
export async function confined(
  builder: Builder,
  command: SandboxCommand,
  limits: SandboxLimits,
  way: WayOut | undefined,
): Promise<RunResult> {
  const drop = dropping()
  for (const dir of foldersOf(command)) await handOver(dir)
  const { wrap, places } = await reachable(placesOf(command))
  const { argv, inputs, read } = builder.start(wallsAround(command, places, way, limits.tmpBytes), seccompFilter())
  const group = makeGroup({ processes: limits.processes, memoryBytes: limits.memoryBytes })
  const [file = '', ...args] = [
    ...joining(group),
    ...wrap,
    ...drop,
    ...rlimits(limits, command.timeoutMs, group !== undefined),
    ...argv,
    ...throughWay(command, way),
    ...withServices(command),
  ]
  try {
    // A shell would tell of its folder in its environment.
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }
    const result = await limited(command, limits.work, file, args, { cwd: '/', env, inputs })
    const said = read(result)
    if ('refused' in said) throw noWalls(said.refused)
    return said
  } finally {
    group?.remove()
  }
}

function noWalls(why: string): UserError {
  return new UserError('no_sandbox', `The sandbox cannot be built here, so nothing that a model wrote is run: ${why}`, {
    hint: 'User namespaces must be allowed for unprivileged users; docs/operate.md says how.',
  })
}

/** What stands before a command that may use the network. */
export function throughWay({ image }: SandboxCommand, way: WayOut | undefined): readonly string[] {
  if (!way) return []
  const node = image === undefined ? [INSIDE.node] : [INSIDE.loader, '--library-path', INSIDE.libraries, INSIDE.node]
  return [...node, '--input-type=module', '--no-warnings', '-e', WAY, '--', INSIDE.way]
}

export function withServices({ services = [], argv }: SandboxCommand): readonly string[] {
  return services.length === 0 ? argv : ['/bin/sh', '-c', SERVICES, 'services', ...services, '--', ...argv]
}

/** What a command may write to of the host. */
export function foldersOf({ dir, home, mounts = [] }: SandboxCommand): string[] {
  const written = mounts.filter(({ isWritable }) => isWritable).map(({ from }) => from)
  return [dir, ...(home === undefined ? [] : [home]), ...written]
}

/** A command under a watch of what it writes; it ends when that is too much. @throws UserError where there is no room for more */
export async function limited(
  command: SandboxCommand,
  quota: Quota,
  file: string,
  args: readonly string[],
  rest: Pick<Parameters<typeof run>[2], 'env' | 'inputs' | 'cwd' | 'keepsStdin'>,
): Promise<RunResult> {
  const { stdin, talk, timeoutMs, maxOutput, signal } = command
  const full = new AbortController()
  const ended = watchQuota(foldersOf(command), quota, () => full.abort(new Error('full')))
  const signals = signal ? AbortSignal.any([signal, full.signal]) : full.signal
  const result = await run(file, args, { ...rest, stdin, talk, timeoutMs, maxOutput, signal: signals }).catch(
    async (error: unknown) => {
      signal?.throwIfAborted()
      if (!full.signal.aborted) throw error
      return undefined
    },
  )
  if (!(await ended()) && result) return result
  const gigabytes = (quota.bytes / GIB).toFixed(0)
  throw new UserError(
    'workspace_full',
    `The workspace holds more than it may (${gigabytes} GB, ${quota.files.toLocaleString('en')} files), so what ran was ended.`,
    { hint: 'Have the repository write less, or clean up after itself; then `retry`.' },
  )
}

/** A tiny shell that enters the control group and becomes the command; the paths are ours, the command is passed as arguments. */
function joining(group: Group | undefined): string[] {
  if (!group) return []
  return ['/bin/sh', '-c', `${group.joins.map((file) => `echo $$ > ${file}`).join(' && ')} && exec "$@"`, 'sh']
}

// Root sees everything, whoever root becomes does not: what stands in a closed folder is put where anybody gets to, in a view
// of the file system that ends with the command. Arguments: NAME SOURCE …, then `--` and the command.
const BRING = `mount -t tmpfs -o mode=0755,nosuid,nodev,size=64k tmpfs /mnt
while [ "$1" != -- ]; do
  if [ -d "$2" ]; then mkdir "/mnt/$1"; else : > "/mnt/$1"; fi; mount --bind "$2" "/mnt/$1"; shift 2
done; shift; exec "$@"`

/** Where the folders are found once root is dropped, and what brings them there. */
async function reachable(places: readonly Place[]): Promise<{ wrap: string[]; places: readonly Place[] }> {
  const isOpen = !isRoot() || (await Promise.all(places.map(({ from }) => isReachable(from)))).every(Boolean)
  if (isOpen) return { wrap: [], places }
  const brought = places.flatMap(({ from }, nth) => [`${nth}`, from])
  return {
    wrap: ['unshare', '--mount', '--propagation', 'private', '/bin/sh', '-euc', BRING, 'sh', ...brought, '--'],
    places: places.map((place, nth) => ({ ...place, from: `/mnt/${nth}` })),
  }
}

function rlimits(limits: SandboxLimits, timeoutMs: number, isGrouped: boolean): string[] {
  const prlimit = findProgram('prlimit')
  if (!prlimit) return []
  const cpu = Math.ceil(timeoutMs / 1000) * availableParallelism() + 5
  return [
    prlimit,
    `--cpu=${cpu}`,
    `--fsize=${limits.fileBytes}`,
    '--core=0',
    '--nofile=4096',
    `--data=${limits.memoryBytes}`,
    // One account has the sandboxes of all tasks: a control group tells them apart.
    ...(isGrouped ? [] : [`--nproc=${limits.processes * 4}`]),
  ]
}
