import { z } from 'zod'
import type { Granted, Unheard } from '../../core/heard.ts'
import type { Repository } from '../../core/task/types.ts'
import { payloadIn } from './schema.ts'

/** What the app was installed on: each repository by its name alone. */
const Names = z.array(z.object({ id: z.number(), name: z.string(), full_name: z.string() })).default([])
const Installation = z.object({
  action: z.string(),
  installation: z.object({ id: z.number(), repository_selection: z.string().nullish() }),
  sender: z.object({ id: z.number(), login: z.string() }).nullish(),
  repository_selection: z.string().nullish(),
  repositories: Names.nullish(),
  repositories_added: Names.nullish(),
})

/** Whether an event is about what the app may reach. It belongs to no conversation. */
export function isAboutAccess(event: string): boolean {
  return event === 'installation' || event === 'installation_repositories'
}

/** Reads which repositories the app has just been installed on. */
export function readAccess(event: string, body: Uint8Array): Granted | Unheard {
  const parsed = Installation.safeParse(payloadIn(body))
  if (!parsed.success) return { ignored: 'malformed', detail: `${event} without what is needed` }
  const { action, installation, sender, repositories, repositories_added: added } = parsed.data
  const selection = parsed.data.repository_selection ?? installation.repository_selection
  const by = { id: sender?.id ?? 0, login: sender?.login ?? '' }
  const kind = `${event}.${action}`
  const found = kind === 'installation.created' ? repositories : kind === 'installation_repositories.added' ? added : []
  if (!found || found.length === 0) return { ignored: 'not_for_us', detail: `nothing is done on ${kind}` }
  return {
    kind,
    installationId: installation.id,
    by,
    isChosen: selection === 'selected',
    granted: found.map((one) => repositoryOf(one, installation.id)),
  }
}

type Named = z.infer<typeof Names>[number]

/** The name of its default branch is not told, and not needed here. */
function repositoryOf({ id, name, full_name: full }: Named, installationId: number): Repository {
  return { id, owner: full.slice(0, full.indexOf('/')), name, defaultBranch: '', installationId }
}
