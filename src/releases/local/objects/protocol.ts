import { join } from 'node:path'
import { z } from 'zod'

/** What the process is asked that serves the Workers of one environment, by the one that deploys. */

const nothing = z.strictObject({})

/** One release of a Worker, as it is to be served. */
export const Version = z.strictObject({
  /** Its release. */
  id: z.string(),
  sha: z.string(),
  /** Where requests to it arrive, on this machine's own address. */
  port: z.int(),
  /** Its module, the whole path. */
  main: z.string(),
  compatibilityDate: z.string(),
  compatibilityFlags: z.array(z.string()),
  objects: z.array(z.strictObject({ binding: z.string(), className: z.string(), key: z.string(), isSql: z.boolean() })),
  vars: z.record(z.string(), z.unknown()),
  /** Where what it prints goes. */
  log: z.string(),
  /** What answers 2xx when it can work, and for how long that is waited for. */
  health: z.string(),
  healthSeconds: z.number(),
})
export type Version = z.infer<typeof Version>

/** Which release the objects are of: all of one, or so many percent of them, and the rest of another. */
export const Lead = z.strictObject({
  main: z.string(),
  beside: z.strictObject({ id: z.string(), percent: z.number().min(0).max(100) }).optional(),
})
export type Lead = z.infer<typeof Lead>

/** How many objects of a class run which release. */
const Standing = z.object({ key: z.string(), sha: z.string(), objects: z.number() })
export type Standing = z.infer<typeof Standing>

/** What came of a change; `error`: it is as it was before. */
const Changed = z.object({
  error: z.string().optional(),
  /** It runs, and does not answer its health check: the error says so. */
  isSick: z.boolean().optional(),
})

export const PROTOCOL = {
  state: {
    ask: nothing,
    /** `revision`: of which program it is. */
    answer: z.object({
      revision: z.string(),
      versions: z.array(z.object({ id: z.string(), port: z.number() })),
    }),
  },
  load: { ask: z.strictObject({ version: Version }), answer: Changed },
  unload: { ask: z.strictObject({ id: z.string() }), answer: Changed },
  lead: { ask: Lead, answer: Changed },
  objects: { ask: nothing, answer: z.object({ standing: z.array(Standing) }) },
} as const
export type Operation = keyof typeof PROTOCOL

/** What one environment has on this machine beside its releases. @param folder its own */
export function objectFiles(folder: string) {
  return {
    folder,
    note: join(folder, 'host.json'),
    log: join(folder, 'host.log'),
    /** Whom the objects are of: kept for a host that begins anew. */
    lead: join(folder, 'lead.json'),
    /** Which process has the storage open. */
    runtime: join(folder, 'runtime.pid'),
    /** What starts it, and says which it is. */
    starter: join(folder, 'runtime.sh'),
    store: join(folder, 'store'),
    orchestrator: join(folder, 'orchestrator.mjs'),
  }
}
export type ObjectFiles = ReturnType<typeof objectFiles>
