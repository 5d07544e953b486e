import type { EffectIntent } from '../core/effects.ts'
import { UserError } from '../core/errors.ts'
import type { Granted } from '../core/heard.ts'
import { personActor } from '../core/deciding/actor.ts'
import { onboarding } from '../core/workflows/onboarding.ts'
import type { Origin, Repository, TaskEvent } from '../core/task/types.ts'
import type { InboxDeps } from './scene.ts'

/** In so many repositories at most: who installs an app on a thousand may not want a label in each. */
const MOST = 50
/** So many get a pull request, where they were chosen one by one. */
const MOST_ONBOARDED = 10
const DEFAULT_LABEL = 'muster'

/** The app was installed on repositories: the label that begins the work is there from the start, and a pull request tells what was found. */
export async function welcome(deps: InboxDeps, eventId: string, granted: Granted): Promise<void> {
  const { kind, installationId } = granted
  const wanted = granted.granted.slice(0, MOST)
  const scope = `installation:${installationId}`
  const labels: EffectIntent[] = []
  for (const repository of wanted) {
    const name = await labelOf(deps, repository)
    const body = { kind: 'label.create', place: { repository, number: 0 }, name } as const
    labels.push({ key: `label:${repository.id}:${name}`, body })
  }
  await deps.store.effects.add(scope, scope, undefined, labels)
  const onboarded = deps.onboards && granted.isChosen ? await onboardAll(deps, granted, wanted) : 0
  const detail = `${wanted.length} of ${granted.granted.length} repositories get the label, ${onboarded} a pull request`
  await deps.store.inbox.decide(eventId, { outcome: 'accepted', reason: 'installed', detail }, { kind })
  deps.kick()
}

async function onboardAll(deps: InboxDeps, granted: Granted, wanted: readonly Repository[]): Promise<number> {
  let count = 0
  for (const repository of wanted) {
    if (count >= MOST_ONBOARDED) break
    if (await onboard(deps, granted, repository)) count += 1
  }
  return count
}

/** A first look at a repository that has no settings of its own. Once, whatever became of it. */
async function onboard(deps: InboxDeps, { by }: Granted, { owner, name }: Repository): Promise<boolean> {
  const repository = await deps.platform.findRepository(owner, name)
  // An owner's defaults are settings as well.
  if (!repository || (await deps.platform.settingsFile(repository)) !== undefined) return false
  const conversationId = await deps.store.conversations.at(`github:${repository.id}@onboarding`)
  if (await deps.store.tasks.latest(conversationId)) return false
  const loaded = await deps.settings.load(repository, true)
  if (!loaded.ok) return false
  const opened: TaskEvent = {
    type: 'task.opened',
    id: deps.newId(),
    conversationId,
    workflow: onboarding.name,
    origin: originOf(repository, by),
    settings: loaded.settings,
    forcePlanGate: false,
  }
  const decision = { outcome: 'accepted', reason: 'installed', detail: 'the app was installed' } as const
  await deps.workflow.open([opened], decision, personActor(by))
  return true
}

function originOf(repository: Repository, by: Granted['by']): Origin {
  return {
    repository,
    number: 0,
    isPullRequest: false,
    title: 'Set up Muster',
    body: '',
    author: by,
    requester: by,
    trigger: 'api',
    nth: 1,
    request: '',
    url: '',
  }
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
