import { githubKey } from '../core/heard.ts'
import { issueAt, referencesIn } from '../core/references.ts'
import { type ChannelName, type Surface, surfaceKey } from '../core/said.ts'
import type { Repository } from '../core/task/types.ts'
import type { InboxDeps } from './scene.ts'

/** A place that an address leads to. */
export type Found =
  | { readonly on: 'github'; readonly repository: Repository; readonly number: number; readonly url: string }
  | { readonly on: 'surface'; readonly surface: Surface }

const CHANNELS: readonly ChannelName[] = ['slack', 'jira', 'clickup']

export function keyOf(found: Found): string {
  return found.on === 'github' ? githubKey(found.repository.id, found.number) : surfaceKey(found.surface)
}

/** The place that an address leads to, if Muster can see it. */
export async function placeAt(deps: InboxDeps, url: URL): Promise<Found | undefined> {
  const issue = issueAt(url, deps.githubUrl)
  if (issue) {
    const found = await deps.platform.findIssue(issue.owner, issue.name, issue.number)
    return found && { on: 'github', repository: found.repository, number: issue.number, url: found.subject.url }
  }
  for (const channel of CHANNELS) {
    const surface = await deps.facts[channel]?.surfaceAt(url)
    if (surface) return { on: 'surface', surface }
  }
  return undefined
}

/** Whose code is talked about at an address. */
export async function repositoryAt(deps: InboxDeps, url: URL): Promise<Repository | undefined> {
  const found = await placeAt(deps, url)
  if (found?.on === 'github') return found.repository
  const conversation = found && (await deps.store.conversations.find(keyOf(found)))
  const task = conversation ? await deps.store.tasks.latest(conversation) : undefined
  return task?.origin.repository
}

/**
 * Other places that a request itself names: by their addresses, or as a ticket of a project that belongs to the same
 * repository. Only those that nobody else's work is held at.
 */
export async function namedPlaces(deps: InboxDeps, text: string, repository: Repository): Promise<Found[]> {
  const { urls, names } = referencesIn(text)
  const found: Found[] = []
  for (const url of urls) {
    const one = await placeAt(deps, url)
    if (one) found.push(one)
  }
  for (const name of names) {
    const surface = belongs(deps, name, repository) ? await deps.facts.jira?.surfaceNamed(name) : undefined
    if (surface) found.push({ on: 'surface', surface })
  }
  const free: Found[] = []
  for (const one of new Map(found.map((place) => [keyOf(place), place])).values())
    if (await isFree(deps, one, repository)) free.push(one)
  return free
}

/** `SHA-256` reads like a ticket: only projects that are set to the repository are asked for theirs. */
function belongs(deps: InboxDeps, name: string, { owner, name: repo }: Repository): boolean {
  const mapped = deps.mapped('jira', [name.slice(0, name.lastIndexOf('-'))])
  return mapped?.owner.toLowerCase() === owner.toLowerCase() && mapped.name.toLowerCase() === repo.toLowerCase()
}

async function isFree({ store }: InboxDeps, found: Found, repository: Repository): Promise<boolean> {
  if (found.on === 'github' && found.repository.id !== repository.id) return false
  const conversation = await store.conversations.find(keyOf(found))
  const task = conversation ? await store.tasks.latest(conversation) : undefined
  return task === undefined || task.finishedAt !== undefined
}
