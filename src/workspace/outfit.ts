import type { Outfit, RunOptions, SandboxCommand } from './types.ts'

/** What of a command says with what it is run. */
export function equipped(
  { toolchains }: Outfit,
  env: RunOptions['env'] = {},
): Pick<SandboxCommand, 'mounts' | 'bin' | 'env'> {
  const folders = new Map(toolchains.flatMap((one) => one.folders).map((folder) => [folder.to, folder]))
  return {
    mounts: [...folders.values()],
    bin: toolchains.flatMap(({ bin }) => bin),
    env: Object.assign({}, ...toolchains.map((one) => one.env), env),
  }
}
