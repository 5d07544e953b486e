import type { EffectIntent } from '../core/effects.ts'
import { UserError } from '../core/errors.ts'
import type { Granted } from '../core/heard.ts'
import type { Repository } from '../core/task/types.ts'
import type { InboxDeps } from './scene.ts'

/** In so many repositories at most: who installs an app on a thousand may not want a label in each. */
const MOST = 50
const DEFAULT_LABEL = 'muster'

/** The app was installed on repositories: the label that begins the work is there from the start. */
export async function welcome(
  deps: InboxDeps,
  eventId: string,
  { kind, installationId, granted }: Granted,
): Promise<void> {
  const wanted = granted.slice(0, MOST)
  const scope = `installation:${installationId}`
  const labels: EffectIntent[] = []
  for (const repository of wanted) {
    const name = await labelOf(deps, repository)
    const body = { kind: 'label.create', place: { repository, number: 0 }, name } as const
    labels.push({ key: `label:${repository.id}:${name}`, body })
  }
  await deps.store.effects.add(scope, scope, undefined, labels)
  const detail = `${wanted.length} of ${granted.length} repositories get the label`
  await deps.store.inbox.decide(eventId, { outcome: 'accepted', reason: 'installed', detail }, { kind })
  deps.kick()
}

/** What the repository calls it; a file that cannot be used is told where somebody asks for something. */
async function labelOf({ settings }: InboxDeps, repository: Repository): Promise<string> {
  try {
    const loaded = await settings.load(repository, false)
    return loaded.ok ? loaded.settings.label : DEFAULT_LABEL
  } catch (error) {
    // One that is gone by now keeps the others from nothing.
    if (error instanceof UserError) return DEFAULT_LABEL
    throw error
  }
}
