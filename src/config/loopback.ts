import { setupsIn } from '../channels/registry.ts'
import { isLoopbackHost } from '../core/hosts.ts'
import type { Settings } from './env.ts'

/**
 * What reaches beyond this machine: the address it listens on, the one it is known by, and every service that is configured.
 * Empty: a rehearsal, or a trial, which nobody elsewhere can take part in.
 */
export function reachesBeyond({ server, githubUrls, databaseUrl, redisUrl, providers, channels }: Settings): string[] {
  const urls: readonly (readonly [name: string, url: string | undefined])[] = [
    ['MUSTER_PUBLIC_URL', server.publicUrl],
    ['GITHUB_API_URL', githubUrls.api],
    ['GITHUB_SERVER_URL', githubUrls.server],
    ['DATABASE_URL', databaseUrl],
    ['REDIS_URL', redisUrl],
    ...[...providers.values()].flatMap(({ addresses }) => addresses),
    ...setupsIn(channels).flatMap(({ addresses }) => addresses),
  ]
  const far = urls.filter(([, url]) => url !== undefined && !isLoopbackHost(hostOf(url))).map(([name]) => name)
  return isLoopbackHost(server.host) ? far : ['HOST', ...far]
}

/** A database may be reached over a socket, which is this machine's. */
function hostOf(url: string): string {
  const { hostname, searchParams } = new URL(url)
  const socket = searchParams.get('host')
  return socket?.startsWith('/') || (hostname === '' && !socket) ? 'localhost' : (socket ?? hostname)
}
