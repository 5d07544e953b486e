import { BUILDERS, whyNot } from '../../src/workspace/choose.ts'
import type { SandboxKind } from '../../src/workspace/types.ts'

/** The ways of keeping commands in that work on this machine, the preferred one first; empty in a container without user namespaces. */
export const WORKING: (keyof typeof BUILDERS)[] = []
for (const kind of ['bubblewrap', 'unshare'] as const) {
  const why = await whyNot(kind)
  if (why === undefined) WORKING.push(kind)
  else process.stderr.write(`skipped: what needs ${kind}. ${why}\n`)
}
if (WORKING.length === 0 && process.env['CI']) throw new Error('a sandbox is needed in CI')

const ENGINES = ['podman', 'podman --runtime=runc --cgroup-manager=cgroupfs', 'docker']

/** A container engine that works here, with its options; undefined where none does. */
export const ENGINE = await firstOf(ENGINES)

async function firstOf(engines: readonly string[]): Promise<string | undefined> {
  const reasons: string[] = []
  for (const engine of engines) {
    const why = await whyNot('container', engine)
    if (why === undefined) return engine
    reasons.push(`${engine}: ${why.split('\n')[0]}`)
  }
  process.stderr.write(`skipped: what needs a container engine. ${reasons.join('; ')}\n`)
  return undefined
}

/** What tests use that do not care which. */
export const SANDBOX: SandboxKind = WORKING[0] ?? 'none'
