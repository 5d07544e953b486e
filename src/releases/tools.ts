import type { Bind, Outfit, Toolchain } from '../workspace/types.ts'
import type { Tools } from './types.ts'

export const NO_TOOLS: Tools = { path: [], env: {}, notes: [] }

/** What commands find in the sandbox, for commands that are run on the machine itself. */
export function toolsOf({ toolchains, notes }: Pick<Outfit, 'toolchains' | 'notes'>): Tools {
  return {
    path: toolchains.flatMap(({ bin, folders }) => bin.map((one) => onHost(one, folders))),
    env: Object.assign({}, ...toolchains.map(envOnHost)),
    notes,
  }
}

function envOnHost({ env, folders }: Toolchain): Record<string, string> {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, onHost(value, folders)]))
}

/** Where that is on the machine what commands in the sandbox find elsewhere. */
function onHost(inside: string, folders: readonly Bind[]): string {
  const folder = folders.find(({ to }) => inside === to || inside.startsWith(`${to}/`))
  return folder ? folder.from + inside.slice(folder.to.length) : inside
}
