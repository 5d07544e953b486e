import { join, resolve } from 'node:path'
import { tailOf } from './process.ts'

/** What the build of a release writes: beside the files of the commit, whose links lead anywhere. */
export function buildLog(dir: string, id: string): string {
  return join(releaseFolder(dir, id), BUILD_LOG)
}
const BUILD_LOG = 'build.log'

/** What a command writes that deploys. */
export const COMMAND_LOG = 'command.log'

export function releaseFolder(dir: string, id: string): string {
  return join(resolve(dir), 'releases', id)
}

/** What a service writes. */
export function serviceLog(dir: string, id: string): string {
  return join(releaseFolder(dir, id), 'service.log')
}

/** When it was started again, a line each. */
export function restartsFile(dir: string, id: string): string {
  return join(releaseFolder(dir, id), 'restarts')
}

/** What a container has written that is there now. */
export function containerLog(dir: string, id: string): string {
  return join(releaseFolder(dir, id), CONTAINER_LOG)
}
const CONTAINER_LOG = 'container.log'

/** The last lines of a release, of its build and of its service, or of its command; nothing where it ran on another machine. */
export async function releaseLog(dir: string, id: string, redact: (text: string) => string): Promise<string> {
  // The id comes from a request: nothing but a folder of ours is looked into.
  if (!/^[\w.-]{1,200}$/.test(id) || id.includes('..')) return ''
  const folder = releaseFolder(dir, id)
  const files = [BUILD_LOG, 'service.log', CONTAINER_LOG, COMMAND_LOG]
  return redact((await Promise.all(files.map((file) => tailOf(join(folder, file))))).join(''))
}
