import { dirname } from 'node:path'
import { REGISTRIES } from '../core/hosts.ts'
import { once } from '../core/once.ts'
import { registryEnv } from '../core/registries.ts'
import { BUILDERS, chooseSandbox } from './choose.ts'
import { contained, findEngine } from './container.ts'
import { confined, DEFAULT_LIMITS, limited, type SandboxLimits } from './confined.ts'
import { environment } from './inside.ts'
import type { RunResult, Sandbox, SandboxCommand, SandboxKind } from './types.ts'
import { told as where } from './walls.ts'
import { openWayOut, type Outside, type WayOut } from './wayout.ts'

/**
 * The sandbox that the settings ask for; what they leave open is looked for when the first command comes (`choose.ts`). A command
 * that names an image runs in a container, whatever the sandbox is.
 * @param out what a command with network may reach, and how
 * @param engine the container engine, where the operator names one
 */
export function openSandbox(
  asked: SandboxKind | undefined,
  limits: SandboxLimits = DEFAULT_LIMITS,
  out: Outside = { hosts: REGISTRIES.map((host) => ({ host, port: undefined })) },
  engine?: string,
): Sandbox {
  const chosen = once(() => chooseSandbox(asked, engine))
  return {
    // In a container its input is what tells that this process is still there.
    canTalk: async () => (await chosen()) !== 'container',
    async run(command) {
      const kind = await chosen()
      if (kind === 'none' && command.image === undefined) return plain(command, limits)
      const way = command.network ? await openWayOut(out) : undefined
      const informed = { ...command, env: { ...registryEnv(way ? (out.registries ?? []) : []), ...command.env } }
      try {
        const result =
          kind === 'container' || kind === 'none' || command.image !== undefined
            ? await contained(findEngine(engine), informed, limits, way)
            : await confined(BUILDERS[kind], informed, limits, way)
        return told(result, way)
      } finally {
        await way?.close()
      }
    },
  }
}

/** What could not be reached is said below what was printed: else nobody knows why it failed. */
function told(result: RunResult, way: WayOut | undefined): RunResult {
  if (!way || way.refused.size === 0) return result
  const hosts = [...way.refused].map((host) => JSON.stringify(host.slice(0, 100))).join(', ')
  return { ...result, output: `${result.output}\n[Muster: not on the list of hosts that may be reached: ${hosts}]\n` }
}

/** No isolation at all: the operator's explicit choice. The environment is empty all the same. */
async function plain(command: SandboxCommand, limits: SandboxLimits): Promise<RunResult> {
  const [file = '', ...args] = command.argv
  const extra = { ...where(command, ({ from }) => from), ...command.env }
  const outside = (path: string) => {
    const mount = command.mounts?.find(({ to }) => path === to || path.startsWith(`${to}/`))
    return mount ? mount.from + path.slice(mount.to.length) : path
  }
  const bin = [...(command.bin ?? []).map(outside), dirname(process.execPath)]
  const own = environment(command.base ?? '', bin, command.home ?? '/tmp', extra)
  const env = { GIT_CONFIG_NOSYSTEM: '1', ...own }
  const program = file === 'node' ? process.execPath : file
  const result = await limited(command, limits.work, program, args, { cwd: command.dir, env })
  if (!command.services || command.services.length === 0) return result
  // They would listen on the machine's own ports.
  const left = `[Muster: without a sandbox no services are started: ${command.services.join(', ')}]`
  return { ...result, output: `${left}\n${result.output}` }
}
