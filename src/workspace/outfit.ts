import type { Outfit, RunOptions, SandboxCommand } from './types.ts'

/** How a shell command of a repository is run with what that needs. */
export function equipped(
  { toolchains, services, image }: Outfit,
  command: string,
  env: RunOptions['env'] = {},
): Pick<SandboxCommand, 'argv' | 'services' | 'image' | 'mounts' | 'bin' | 'env'> {
  const folders = new Map(toolchains.flatMap((one) => one.folders).map((folder) => [folder.to, folder]))
  return {
    argv: ['/bin/sh', '-c', command],
    services,
    image,
    mounts: [...folders.values()],
    bin: toolchains.flatMap(({ bin }) => bin),
    env: Object.assign({}, ...toolchains.map((one) => one.env), env),
  }
}
