import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { environment, FILES, INSIDE, TRUST } from './inside.ts'
import type { Bind, SandboxCommand, Walls } from './types.ts'

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

/** Where there is no network, npm would try for minutes to reach its registry. */
const OFFLINE = { npm_config_offline: 'true' }

/** Where the folders of the host are to be found by whoever builds the walls. */
export interface Sources {
  readonly work: string
  readonly home: string | undefined
  readonly base: string | undefined
  readonly node: string
  /** The socket that is the way out, where there is one. */
  readonly way: string | undefined
  /** The authorities to trust on it, where they are not the system's. */
  readonly authorities: string | undefined
}

/** The walls around a command. */
export function wallsAround(command: SandboxCommand, sources: Sources, tmpBytes: number): Walls {
  const system = [...SYSTEM, ...(command.network ? NETWORK : [])].filter((path) => existsSync(path))
  const bind = (from: string | undefined, to: string): Bind[] => (from === undefined ? [] : [{ from, to }])
  return {
    readable: [
      ...system.map((path) => ({ from: path, to: path })),
      ...bind(sources.node, INSIDE.node),
      ...bind(sources.base, INSIDE.base),
      ...bind(sources.authorities, INSIDE.authorities),
    ],
    writable: [
      ...bind(sources.way, INSIDE.way),
      ...bind(sources.work, INSIDE.work),
      ...bind(sources.home, INSIDE.home),
    ],
    files: FILES,
    tmpBytes,
    env: environment(INSIDE.base, dirname(INSIDE.node), INSIDE.home, {
      ...(sources.authorities ? TRUST : {}),
      ...(command.network ? {} : OFFLINE),
      ...command.env,
    }),
  }
}
