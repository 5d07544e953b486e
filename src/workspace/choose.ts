import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf, UserError } from '../core/errors.ts'
import { BUBBLEWRAP } from './bubblewrap.ts'
import { confined, DEFAULT_LIMITS } from './confined.ts'
import { contained, findEngine } from './container.ts'
import type { Builder, SandboxKind } from './types.ts'
import { UNSHARE } from './unshare.ts'

type Isolating = Exclude<SandboxKind, 'none'>
type Building = Exclude<Isolating, 'container'>

/** The ways of building walls, the one that is preferred first. */
export const BUILDERS: Readonly<Record<Building, Builder>> = { bubblewrap: BUBBLEWRAP, unshare: UNSHARE }
const PREFERRED: readonly Isolating[] = ['bubblewrap', 'unshare', 'container']

const PROBE_MS = 60_000

/** Builds the walls once, around nothing. @returns why that does not work here; undefined where it does */
export async function whyNot(kind: Isolating, engine?: string): Promise<string | undefined> {
  const dir = await mkdtemp(join(tmpdir(), 'muster-probe-'))
  try {
    const argv = ['node', '-e', 'console.log("works")']
    const command = { dir, argv, timeoutMs: PROBE_MS }
    const { output } =
      kind === 'container'
        ? await contained(findEngine(engine), command, DEFAULT_LIMITS, undefined)
        : await confined(BUILDERS[kind], command, DEFAULT_LIMITS, undefined)
    return output === 'works\n' ? undefined : output.slice(0, 300).trim() || 'it says nothing'
  } catch (error) {
    return messageOf(error)
  } finally {
    await rm(dir, { recursive: true })
  }
}

/** What was seen to work in this process, with which programs. */
const worked = new Set<string>()

/**
 * Which sandbox is used: the one asked for, or else the first that works here.
 * @throws UserError `no_sandbox` where none does
 */
export async function chooseSandbox(asked: SandboxKind | undefined, engine?: string): Promise<SandboxKind> {
  if (asked === 'none') return asked
  const reasons: string[] = []
  for (const kind of asked ? [asked] : PREFERRED) {
    // Looked at by whoever starts, it need not be looked at again by the first command.
    const seen = `${kind} ${process.env['PATH'] ?? ''}`
    const why = worked.has(seen) ? undefined : await whyNot(kind, engine)
    if (why === undefined) {
      worked.add(seen)
      return kind
    }
    reasons.push(`${kind}: ${why}`)
  }
  throw new UserError(
    'no_sandbox',
    `No sandbox can be built here, so nothing that a model wrote is run.\n${reasons.join('\n')}`,
    {
      hint: `${remedy(reasons.join(' '))} MUSTER_SANDBOX=none runs everything without isolation, if you accept the risk.`,
    },
  )
}

/** What most likely has to be done, by what could not be: in containers two things are forbidden at first. */
function remedy(reasons: string): string {
  if (/\bproc\b/.test(reasons))
    return 'Container engines cover parts of /proc, and then no fresh one may be mounted: run this one with `--security-opt seccomp=unconfined --security-opt systempaths=unconfined` (Podman: `--security-opt unmask=ALL`).'
  return 'Install bubblewrap (`apt install bubblewrap`), and let unprivileged users have user namespaces; in a container run with `--security-opt seccomp=unconfined --security-opt systempaths=unconfined` (docs/operate.md).'
}
