import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'
import { UserError } from '../core/errors.ts'
import { bubblewrapArguments, type Sources } from './bubblewrap.ts'
import { type Group, makeGroup } from './cgroup.ts'
import { type Allowed, REGISTRIES } from '../core/hosts.ts'
import { environment, FILES, INSIDE } from './inside.ts'
import { findProgram } from './programs.ts'
import { type Quota, watchQuota } from './quota.ts'
import { seccompFilter } from './seccomp.ts'
import { run } from './spawn.ts'
import type { RunResult, Sandbox, SandboxCommand } from './types.ts'
import { openWayOut, type WayOut } from './wayout.ts'
import { dropping, handOver, isReachable, isRoot } from './unprivileged.ts'

export { findProgram } from './programs.ts'

/** What a sandboxed command may use. */
export interface SandboxLimits {
  readonly memoryBytes: number
  readonly processes: number
  readonly fileBytes: number
  readonly tmpBytes: number
  /** What the workspace may hold in all. */
  readonly work: Quota
}

const WAY = readFileSync(new URL('./way.mjs', import.meta.url), 'utf8')
const GIB = 1024 ** 3
export const DEFAULT_LIMITS: SandboxLimits = {
  memoryBytes: 4 * GIB,
  processes: 512,
  fileBytes: GIB,
  tmpBytes: 2 * GIB,
  work: { bytes: 6 * GIB, files: 500_000 },
}

/** The sandbox that the settings ask for. @param hosts what a command with network may reach. Without bubblewrap nothing runs, unless the operator said `none`. */
export function openSandbox(
  kind: 'bubblewrap' | 'none',
  limits: SandboxLimits = DEFAULT_LIMITS,
  hosts: readonly Allowed[] = REGISTRIES.map((host) => ({ host, port: undefined })),
): Sandbox {
  if (kind === 'none') return plainSandbox(limits)
  const bwrap = findProgram('bwrap')
  return {
    kind,
    async run(command) {
      if (!bwrap)
        throw new UserError('no_sandbox', 'bubblewrap is not installed, so nothing that a model wrote is run.', {
          hint: 'Install it (`apt install bubblewrap`), or set MUSTER_SANDBOX=none if you accept the risk.',
        })
      const way = command.network ? await openWayOut(hosts) : undefined
      try {
        return told(await confined(bwrap, command, limits, way), way)
      } finally {
        await way?.close()
      }
    },
  }
}

/** What could not be reached is said below what was printed: else nobody knows why it failed. */
function told(result: RunResult, way: WayOut | undefined): RunResult {
  if (!way || way.refused.size === 0) return result
  const hosts = [...way.refused].map((host) => JSON.stringify(host.slice(0, 100))).join(', ')
  return { ...result, output: `${result.output}\n[Muster: not on the list of hosts that may be reached: ${hosts}]\n` }
}

async function confined(
  bwrap: string,
  command: SandboxCommand,
  limits: SandboxLimits,
  way: WayOut | undefined,
): Promise<RunResult> {
  const drop = dropping()
  await handOver(command.dir)
  const { wrap, sources } = await sourcesOf(command, way?.socket)
  const filter = seccompFilter()
  const group = makeGroup({ processes: limits.processes, memoryBytes: limits.memoryBytes })
  const [file = '', ...args] = [
    ...joining(group),
    ...wrap,
    ...drop,
    ...rlimits(limits, command.timeoutMs, group !== undefined),
    bwrap,
    '--args',
    '3',
    ...(filter ? ['--seccomp', '4'] : []),
    '--',
    ...(way ? [INSIDE.node, '--input-type=module', '--no-warnings', '-e', WAY, '--', INSIDE.way] : []),
    ...command.argv,
  ]
  const walls = bubblewrapArguments(command, sources, limits.tmpBytes)
  try {
    const result = await limited(command, limits.work, file, args, {
      // A shell would tell of its folder in its environment.
      cwd: '/',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      inputs: [
        Buffer.from(walls.map((one) => `${one}\0`).join('')),
        filter ?? Buffer.alloc(0),
        ...FILES.map(({ text }) => Buffer.from(text)),
      ],
    })
    return noWalls(result)
  } finally {
    group?.remove()
  }
}

/** Bubblewrap itself says no: nothing ran. @throws UserError */
function noWalls(result: RunResult): RunResult {
  const [, why] = /^bwrap: (.{1,300})/.exec(result.output) ?? []
  if (result.exitCode !== 1 || why === undefined || why.startsWith('execvp ')) return result
  throw new UserError('no_sandbox', `The sandbox cannot be built here, so nothing that a model wrote is run: ${why}`, {
    hint: 'User namespaces must be allowed for unprivileged users; docs/operate.md says how.',
  })
}

/** A command under a watch of what it writes; it ends when that is too much. @throws UserError where there is no room for more */
async function limited(
  { dir, stdin, timeoutMs, maxOutput, signal }: SandboxCommand,
  quota: Quota,
  file: string,
  args: readonly string[],
  rest: Pick<Parameters<typeof run>[2], 'env' | 'inputs' | 'cwd'>,
): Promise<RunResult> {
  const full = new AbortController()
  const ended = watchQuota(dir, quota, () => full.abort(new Error('full')))
  const signals = signal ? AbortSignal.any([signal, full.signal]) : full.signal
  const result = await run(file, args, { ...rest, stdin, timeoutMs, maxOutput, signal: signals }).catch(
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
// of the file system that ends with the command.
const BRING = `mount -t tmpfs -o mode=0755,nosuid,nodev,size=64k tmpfs /mnt
bring() { if [ -d "$1" ]; then mkdir "/mnt/$2"; else : > "/mnt/$2"; fi; mount --bind "$1" "/mnt/$2"; }
bring "$1" work; bring "$2" node; if [ -n "$3" ]; then bring "$3" base; fi; shift 3; exec "$@"`

/** Where the folders are found once root is dropped, and what brings them there. */
async function sourcesOf(
  { dir, base }: SandboxCommand,
  way: string | undefined,
): Promise<{ wrap: string[]; sources: Sources }> {
  const sources: Sources = { work: dir, base, node: process.execPath, way }
  const all = [dir, process.execPath, ...(base ? [base] : [])]
  const isOpen = !isRoot() || (await Promise.all(all.map(isReachable))).every(Boolean)
  if (isOpen) return { wrap: [], sources }
  return {
    wrap: [
      'unshare',
      '--mount',
      '--propagation',
      'private',
      '/bin/sh',
      '-euc',
      BRING,
      'sh',
      dir,
      process.execPath,
      base ?? '',
    ],
    sources: { work: '/mnt/work', base: base && '/mnt/base', node: '/mnt/node', way },
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

/** No isolation at all: the operator's explicit choice. The environment is empty all the same. */
function plainSandbox(limits: SandboxLimits): Sandbox {
  return {
    kind: 'none',
    async run(command) {
      const [file = '', ...args] = command.argv
      const own = environment(command.base ?? '', dirname(process.execPath), '/tmp', command.env)
      const env = { GIT_CONFIG_NOSYSTEM: '1', ...own }
      return limited(command, limits.work, file === 'node' ? process.execPath : file, args, { cwd: command.dir, env })
    },
  }
}
