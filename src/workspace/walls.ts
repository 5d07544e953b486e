import { existsSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { environment, FILES, INSIDE, TRUST } from './inside.ts'
import type { Bind, Mount, SandboxCommand, Walls } from './types.ts'

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
  '/etc/maven',
  ...readdirSync('/etc')
    .filter((name) => /^java-\d+-openjdk$/.test(name))
    .map((name) => `/etc/${name}`),
]
/** What programs need to get packages. They ask no name server: whoever lets them out does. */
const NETWORK = ['/etc/ca-certificates', '/etc/npmrc']

/** Where there is no network, npm would try for minutes to reach its registry. */
const OFFLINE = { npm_config_offline: 'true' }

/** What of the host's own a command finds inside; whoever builds the walls is told where it is to be found. */
export type Place = Bind & Pick<Mount, 'isWritable'>

/** The host's folders that a command finds, and Node.js. */
export function placesOf({ dir, home, base, mounts = [] }: SandboxCommand): readonly Place[] {
  const place = (from: string | undefined, to: string, isWritable = false): Place[] =>
    from === undefined ? [] : [{ from, to, isWritable }]
  return [
    ...place(process.execPath, INSIDE.node),
    ...place(base, INSIDE.base),
    ...place(dir, INSIDE.work, true),
    ...place(home, INSIDE.home, true),
    ...mounts,
  ]
}

/** The variables that say where what is mounted is. */
export function told({ mounts = [] }: SandboxCommand, place: (mount: Mount) => string): Record<string, string> {
  return Object.fromEntries(
    mounts.flatMap((mount) => (mount.variable === undefined ? [] : [[mount.variable, place(mount)]])),
  )
}

/** The walls around a command. @param places as whoever builds the walls finds them @param way the way out, where there is one */
export function wallsAround(
  command: SandboxCommand,
  places: readonly Place[],
  way: { readonly socket: string; readonly authorities: string | undefined } | undefined,
  tmpBytes: number,
): Walls {
  const system = [...SYSTEM, ...(command.network ? NETWORK : [])].filter((path) => existsSync(path))
  const bind = (from: string | undefined, to: string): Bind[] => (from === undefined ? [] : [{ from, to }])
  return {
    readable: [
      ...system.map((path) => ({ from: path, to: path })),
      ...places.filter(({ isWritable }) => !isWritable),
      ...bind(way?.authorities, INSIDE.authorities),
    ],
    writable: [...bind(way?.socket, INSIDE.way), ...places.filter(({ isWritable }) => isWritable)],
    files: FILES,
    tmpBytes,
    env: environment(INSIDE.base, [...(command.bin ?? []), dirname(INSIDE.node)], INSIDE.home, {
      ...(way?.authorities ? TRUST : {}),
      ...(command.network ? {} : OFFLINE),
      ...told(command, ({ to }) => to),
      ...command.env,
    }),
  }
}
