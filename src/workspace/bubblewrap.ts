import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { environment, FILES, INSIDE } from './inside.ts'
import type { SandboxCommand } from './types.ts'

/** What of the machine is readable inside. */
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
/** What programs need to get packages. They ask no name server: whoever lets them out does. */
const NETWORK = ['/etc/ca-certificates', '/etc/npmrc']

/** Where the folders of the host are to be found by whoever builds the walls. */
export interface Sources {
  readonly work: string
  readonly base: string | undefined
  readonly node: string
  /** The socket that is the way out, where there is one. */
  readonly way: string | undefined
}

/** The arguments of bubblewrap. They are given to it over a pipe: `/proc/1/cmdline` inside shows the command line. */
export function bubblewrapArguments(command: SandboxCommand, sources: Sources, tmpBytes: number): string[] {
  const readable = [...SYSTEM, ...(command.network ? NETWORK : [])].filter((path) => existsSync(path))
  return [
    '--unshare-all',
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
    sources.node,
    INSIDE.node,
    ...FILES.flatMap(({ path, descriptor }) => ['--ro-bind-data', `${descriptor}`, path]),
    '--proc',
    '/proc',
    // What the kernel lets be set there is not to be looked at either.
    '--ro-bind',
    '/proc/sys',
    '/proc/sys',
    '--dev',
    '/dev',
    '--size',
    `${tmpBytes}`,
    '--tmpfs',
    '/tmp',
    '--dir',
    '/tmp/home',
    ...(sources.base ? ['--ro-bind', sources.base, INSIDE.base] : []),
    ...(sources.way ? ['--bind', sources.way, INSIDE.way] : []),
    '--bind',
    sources.work,
    INSIDE.work,
    '--chdir',
    INSIDE.work,
    ...Object.entries(environment(INSIDE.base, dirname(INSIDE.node), '/tmp/home', command.env)).flatMap(
      ([name, value]) => ['--setenv', name, value],
    ),
  ]
}
