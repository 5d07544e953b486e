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

/** What tests use that do not care which. */
export const SANDBOX: SandboxKind = WORKING[0] ?? 'none'
