import { SendError } from '../channels/types.ts'
import type { Heard, SaidElsewhere } from '../core/heard.ts'
import { cutLine } from '../core/harmless.ts'
import { clip } from '../core/sanitise.ts'
import { isAside, memberKey, type Remark } from '../core/said.ts'
import type { HeardBefore, Repository } from '../core/task/types.ts'
import type { InboxDeps } from './scene.ts'
import { mayWriteAs, personOf } from './writers.ts'

/** So many people are asked about; of anybody else nothing is known. */
const MAX_AUTHORS = 25
const MAX_REMARKS = 60
/** Characters of what is kept: a task is read whole at each of its steps. */
const MAX_REMARK = 3000
const MAX_NAME = 60
const MAX_FILE = 200

/** What was said before a request in its conversation, with the authority of each author. */
export async function heardBefore(deps: InboxDeps, { elsewhere, repository }: Heard): Promise<readonly HeardBefore[]> {
  if (!elsewhere || elsewhere.messageId === '' || isAside(elsewhere.surface)) return []
  const remarks = await remarksBefore(deps, elsewhere)
  const known = new Map<string, HeardBefore['authority']>()
  const found: HeardBefore[] = []
  for (const { by, at, text, attached, isForwarded } of remarks) {
    const key = memberKey(by)
    if (!known.has(key) && known.size < MAX_AUTHORS) known.set(key, await authorityOf(deps, repository, by))
    found.push({
      // A name is one line that holds no sign: it stands beside what its bearer may do.
      by: cutLine(by.name.replace(/[^\p{L}\p{N}_.-]+/gu, ' '), MAX_NAME),
      authority: known.get(key) ?? 'unknown on GitHub',
      at,
      text: clip(text, MAX_REMARK),
      attached: attached.map((name) => cutLine(name, MAX_FILE)),
      isForwarded,
    })
  }
  return found
}

/** What reviews have said of a pull request, with the authority of each author; Muster's own remarks count like a writer's. */
export async function remarksOn(
  { platform }: Pick<InboxDeps, 'platform'>,
  repository: Repository,
  number: number,
): Promise<readonly HeardBefore[]> {
  const all = (await platform.remarks(repository, number)).slice(-MAX_REMARKS)
  const self = await platform.self()
  const known = new Map<number, HeardBefore['authority']>([[self.id, 'may write']])
  const found: HeardBefore[] = []
  for (const { author, at, text } of all) {
    if (!known.has(author.id) && known.size < MAX_AUTHORS)
      known.set(author.id, (await platform.canWrite(repository, author)) ? 'may write' : 'may not write')
    const authority = known.get(author.id) ?? 'unknown on GitHub'
    found.push({ by: author.login, authority, at, text: clip(text, MAX_REMARK), attached: [], isForwarded: false })
  }
  return found
}

/** What the channel will never tell is nothing; what it cannot tell now is waited for. */
async function remarksBefore(deps: InboxDeps, { surface, messageId }: SaidElsewhere): Promise<readonly Remark[]> {
  try {
    return (await deps.facts[surface.channel]?.conversation?.(surface, messageId)) ?? []
  } catch (error) {
    if (error instanceof SendError && error.kind === 'fatal') return []
    throw error
  }
}

async function authorityOf(
  deps: InboxDeps,
  repository: Heard['repository'],
  by: Remark['by'],
): Promise<HeardBefore['authority']> {
  if (by.isBot || by.isStranger || !(await personOf(deps, by))) return 'unknown on GitHub'
  return (await mayWriteAs(deps, repository, by)) ? 'may write' : 'may not write'
}

/** A text as its channel shows it: with names of people for their ids. */
export async function withNames(deps: InboxDeps, { elsewhere }: Heard, text: string): Promise<string> {
  if (!elsewhere || text === '') return text
  return (await deps.facts[elsewhere.surface.channel]?.named?.(elsewhere.surface, text)) ?? text
}
