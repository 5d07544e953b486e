import { existsSync, readdirSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { basename, dirname } from 'node:path'
import { environment, FILES, INSIDE, TRUST } from './inside.ts'
import type { Bind, Mount, SandboxCommand, Walls } from './types.ts'
import type { WayOut } from './wayout.ts'

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

/** The way out, as far as it stands in the file system. */
type Way = Pick<WayOut, 'socket' | 'authorities'>

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

/** What a container gets besides its image: an image has a system, a path and accounts of its own. */
function wallsOfImage(
  command: SandboxCommand,
  places: readonly Place[],
  way: Way | undefined,
  tmpBytes: number,
): Walls {
  const all = wallsAround({ ...command, image: undefined }, places, way, tmpBytes)
  const { PATH: _, LANG: __, ...env } = all.env
  const given = all.readable.filter(({ to }) => to !== INSIDE.node && places.some((place) => place.to === to))
  const authorities = all.readable.filter(({ to }) => to === INSIDE.authorities)
  return {
    ...all,
    env,
    readable: [...given, ...authorities, ...(way ? nodeWithLibraries() : [])],
    files: FILES.filter(({ path }) => path === '/etc/gitconfig'),
  }
}

/** Node.js with whatever it is linked to, so that it runs in any image. */
function nodeWithLibraries(): readonly Bind[] {
  const listed = execFileSync('ldd', [process.execPath], { encoding: 'utf8', env: { PATH: '/usr/bin:/bin' } })
  const files = listed.split('\n').flatMap((line) =>
    line
      .trim()
      .split(/\s/)
      .filter((word) => word.startsWith('/'))
      .slice(-1),
  )
  const isLoader = (file: string) => basename(file).startsWith('ld-linux')
  return [
    { from: process.execPath, to: INSIDE.node },
    ...files.map((from) => ({ from, to: isLoader(from) ? INSIDE.loader : `${INSIDE.libraries}/${basename(from)}` })),
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
  way: Way | undefined,
  tmpBytes: number,
): Walls {
  if (command.image !== undefined) return wallsOfImage(command, places, way, tmpBytes)
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
