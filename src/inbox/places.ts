import { githubKey } from '../core/heard.ts'
import { messageOf } from '../core/errors.ts'
import { issueAt, referencesIn } from '../core/references.ts'
import { channelNames, isTicket, type Surface, surfaceKey, channelTraits } from '../core/said.ts'
import type { Repository } from '../core/task/types.ts'
import type { InboxDeps } from './scene.ts'

/** A place that an address leads to. */
export type Found =
  | {
      readonly on: 'github'
      readonly repository: Repository
      readonly number: number
      readonly isPullRequest: boolean
      readonly url: string
    }
  | { readonly on: 'surface'; readonly surface: Surface }

export function keyOf(found: Found): string {
  return found.on === 'github' ? githubKey(found.repository.id, found.number) : surfaceKey(found.surface)
}

/** The place that an address leads to, if Muster can see it. */
export async function placeAt(deps: InboxDeps, url: URL): Promise<Found | undefined> {
  const issue = issueAt(url, deps.githubUrl)
  if (issue) {
    const found = await deps.platform.findIssue(issue.owner, issue.name, issue.number)
    if (!found) return undefined
    const { isPullRequest, url: address } = found.subject
    return { on: 'github', repository: found.repository, number: issue.number, isPullRequest, url: address }
  }
  for (const channel of channelNames()) {
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
 * Tickets that a request itself names, by address or key: those of projects that are set to the same repository, which nobody
 * else's work is held at. What cannot be asked for now is left out: the work does not wait for it.
 */
export async function namedTickets(deps: InboxDeps, text: string, repository: Repository): Promise<Surface[]> {
  const { urls, names } = referencesIn(text)
  const found = [
    ...(await Promise.all(urls.map(async (url) => ticketAt(deps, url, repository)))),
    ...(await Promise.all(names.map(async (name) => ticketCalled(deps, name, repository)))),
  ].filter((one) => one !== undefined)
  const free: Surface[] = []
  for (const one of new Map(found.map((surface) => [surfaceKey(surface), surface])).values())
    if (await isFree(deps, surfaceKey(one))) free.push(one)
  return free
}

/** The issue that a request made elsewhere is about, if it names one of its repository; a pull request is none. */
export async function namedIssue(deps: InboxDeps, text: string, repository: Repository) {
  for (const url of referencesIn(text).urls) {
    const found = issueAt(url, deps.githubUrl) ? await tried(deps, async () => placeAt(deps, url)) : undefined
    const fits = found?.on === 'github' && found.repository.id === repository.id && !found.isPullRequest
    if (fits && (await isFree(deps, keyOf(found)))) return found
  }
  return undefined
}

async function ticketAt(deps: InboxDeps, url: URL, repository: Repository): Promise<Surface | undefined> {
  if (issueAt(url, deps.githubUrl)) return undefined
  const found = await tried(deps, async () => placeAt(deps, url))
  // A thread is not taken by being named: people say `link`.
  if (found?.on !== 'surface' || !isTicket(found.surface)) return undefined
  const { surface } = found
  const ticket = await tried(deps, async () => deps.facts[surface.channel]?.ticket(surface))
  return ticket && isSame(deps.mapped(surface.channel, ticket.projects), repository) ? surface : undefined
}

async function ticketCalled(deps: InboxDeps, name: string, repository: Repository): Promise<Surface | undefined> {
  const project = name.slice(0, name.lastIndexOf('-'))
  for (const channel of channelNames().filter((one) => channelTraits(one).namesTickets)) {
    // `SHA-256` reads like a ticket: only projects that are set to the repository are asked for theirs.
    if (!isSame(deps.mapped(channel, [project]), repository)) continue
    const found = await tried(deps, async () => deps.facts[channel]?.surfaceNamed(name))
    if (found) return found
  }
  return undefined
}

/** A look that may fail: a vendor's trouble with what somebody only mentions holds up no work. */
async function tried<T>(deps: InboxDeps, look: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await look()
  } catch (error) {
    deps.log('warn', 'a place that a request names could not be looked at', { error: messageOf(error) })
    return undefined
  }
}

function isSame(mapped: { owner: string; name: string } | undefined, { owner, name }: Repository): boolean {
  return mapped?.owner.toLowerCase() === owner.toLowerCase() && mapped.name.toLowerCase() === name.toLowerCase()
}

/** Nobody's work was ever held there: what has ended there may still go on there. */
async function isFree({ store }: InboxDeps, key: string): Promise<boolean> {
  const conversation = await store.conversations.find(key)
  return conversation === undefined || (await store.tasks.latest(conversation)) === undefined
}
