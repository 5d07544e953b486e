import { accessSync, constants, existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { UserError } from '../core/errors.ts'
import { type Group, makeGroup } from './cgroup.ts'
import { run } from './spawn.ts'
import type { RunResult, Sandbox, SandboxCommand } from './types.ts'

/** What a sandboxed command may use. */
export interface SandboxLimits {
  readonly memoryBytes: number
  readonly processes: number
  readonly fileBytes: number
  readonly tmpBytes: number
}

const GIB = 1024 ** 3
export const DEFAULT_LIMITS: SandboxLimits = { memoryBytes: 4 * GIB, processes: 512, fileBytes: GIB, tmpBytes: 2 * GIB }

/** Where things stand inside; commands never see a path of the host. */
const INSIDE = { work: '/work', base: '/base.git', node: '/opt/muster/bin/node' }
const SYSTEM = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib64',
  '/etc/alternatives',
  '/etc/ld.so.cache',
  '/etc/ssl/certs',
  '/etc/localtime',
  '/etc/mime.types',
  '/etc/java-17-openjdk',
  '/etc/maven',
]
const NETWORK = ['/etc/resolv.conf', '/etc/hosts', '/etc/nsswitch.conf', '/etc/ca-certificates', '/etc/npmrc']

/** Finds a program on the PATH of this process. */
export function findProgram(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((dir) => join(dir, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** The sandbox that the settings ask for. Without bubblewrap nothing runs, unless the operator said `none`. */
export function openSandbox(kind: 'bubblewrap' | 'none', limits: SandboxLimits = DEFAULT_LIMITS): Sandbox {
  if (kind === 'none') return plainSandbox()
  const bwrap = findProgram('bwrap')
  return {
    kind,
    async run(command) {
      if (!bwrap)
        throw new UserError('no_sandbox', 'bubblewrap is not installed, so nothing that a model wrote is run.', {
          hint: 'Install it (`apt install bubblewrap`), or set MUSTER_SANDBOX=none if you accept the risk.',
        })
      return confined(bwrap, command, limits)
    },
  }
}

async function confined(bwrap: string, command: SandboxCommand, limits: SandboxLimits): Promise<RunResult> {
  const group = makeGroup({ processes: limits.processes, memoryBytes: limits.memoryBytes })
  const [file = '', ...args] = [
    ...joining(group),
    ...rlimits(limits, command.timeoutMs),
    bwrap,
    ...mounts(command, limits),
    '--',
    ...command.argv,
  ]
  try {
    return await run(file, args, {
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      stdin: command.stdin,
      timeoutMs: command.timeoutMs,
      maxOutput: command.maxOutput,
      signal: command.signal,
    })
  } finally {
    group?.remove()
  }
}

/** A tiny shell that enters the control group and becomes the command; the paths are ours, the command is passed as arguments. */
function joining(group: Group | undefined): string[] {
  if (!group) return []
  return ['/bin/sh', '-c', `${group.joins.map((file) => `echo $$ > ${file}`).join(' && ')} && exec "$@"`, 'sh']
}

function rlimits(limits: SandboxLimits, timeoutMs: number): string[] {
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
    ...(process.getuid?.() === 0 ? [] : [`--nproc=${limits.processes * 4}`]),
  ]
}

function mounts(command: SandboxCommand, limits: SandboxLimits): string[] {
  const readable = [...SYSTEM, ...(command.network ? NETWORK : [])].filter((path) => existsSync(path))
  return [
    '--unshare-all',
    ...(command.network ? ['--share-net'] : []),
    '--unshare-user',
    '--uid',
    '1000',
    '--gid',
    '1000',
    '--hostname',
    'sandbox',
    '--die-with-parent',
    '--new-session',
    '--cap-drop',
    'ALL',
    '--clearenv',
    ...readable.flatMap((path) => ['--ro-bind', path, path]),
    '--ro-bind',
    process.execPath,
    INSIDE.node,
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    '--size',
    `${limits.tmpBytes}`,
    '--tmpfs',
    '/tmp',
    '--dir',
    '/tmp/home',
    ...(command.base ? ['--ro-bind', command.base, INSIDE.base] : []),
    '--bind',
    command.dir,
    INSIDE.work,
    '--chdir',
    INSIDE.work,
    ...Object.entries(environment(INSIDE.base, dirname(INSIDE.node), '/tmp/home', command.env)).flatMap(
      ([name, value]) => ['--setenv', name, value],
    ),
  ]
}

function environment(
  base: string,
  nodeDir: string,
  home: string,
  extra: SandboxCommand['env'],
): Record<string, string> {
  return {
    PATH: `${nodeDir}:/usr/local/bin:/usr/bin:/bin`,
    HOME: home,
    TMPDIR: '/tmp',
    LANG: 'C.UTF-8',
    CI: '1',
    NO_COLOR: '1',
    MUSTER_BASE: base,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: '*',
    ...extra,
  }
}

/** No isolation at all: the operator's explicit choice. The environment is empty all the same. */
function plainSandbox(): Sandbox {
  return {
    kind: 'none',
    async run(command) {
      const [file = '', ...args] = command.argv
      const env = environment(command.base ?? '', dirname(process.execPath), '/tmp', command.env)
      return run(file === 'node' ? process.execPath : file, args, {
        cwd: command.dir,
        env,
        stdin: command.stdin,
        timeoutMs: command.timeoutMs,
        maxOutput: command.maxOutput,
        signal: command.signal,
      })
    },
  }
}
