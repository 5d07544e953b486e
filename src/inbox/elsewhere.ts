import type { Command, CommandOf } from '../core/command.ts'
import type { Heard, Subject } from '../core/heard.ts'
import { once } from '../core/once.ts'
import { repositoriesIn, requestOf, titleOf, withoutRepository } from '../core/request.ts'
import { baselineBinding, budgetBinding } from '../core/reply/buttons.ts'
import { toldIn } from '../core/calls.ts'
import { isOpening, type Names, toldBy } from '../core/routing.ts'
import type { Said, SaidWhat, Ticket } from '../core/said.ts'
import { isAside, isTicket, memberKey, surfaceKey } from '../core/said.ts'
import { environmentNames } from '../core/settings.ts'
import type { Decision } from '../core/deciding/commands.ts'
import { isActive, gateAt } from '../core/task/steps.ts'
import type { Repository, Task } from '../core/task/types.ts'
import { repositoryAt } from './places.ts'
import type { Loaded } from './settings.ts'
import type { InboxDeps } from './scene.ts'
import { NOBODY, personOf } from './writers.ts'

/** What a label is called where the repository, and so its settings, are not known. */
const LABEL = 'muster'

/** An event of another channel as Muster goes on with it, or what becomes of it instead. */
export type Elsewhere =
  | {
      readonly ok: true
      readonly heard: Heard
      readonly task: Task | undefined
      readonly names: Names
      readonly loaded: Loaded
    }
  | { readonly ok: false; readonly decision: Decision }
  /** The repository has to be asked for; or what was asked needs none. */
  | { readonly ok: false; readonly ask: 'repository' | 'page' }
  /** Said where nothing is under way and no repository is known. */
  | { readonly ok: false; readonly alone: Command }
  /** A press on what is decided already. */
  | { readonly ok: false; readonly late: Task | undefined }
  /** The place is not there any more. */
  | { readonly ok: false; readonly gone: Task | undefined }

/**
 * Finds out whose words these are and what they are about: the GitHub account that is linked to their author, the task of
 * their thread or ticket, the repository they name or their project belongs to. Authority is asked of GitHub afterwards, as
 * for everybody.
 */
export async function fromElsewhere(deps: InboxDeps, event: Said): Promise<Elsewhere> {
  const { said, chosen } = await withChoice(deps, event)
  const known = await deps.store.conversations.find(surfaceKey(said.surface))
  const task = known ? await deps.store.tasks.latest(known) : undefined
  if (said.what.type === 'gone') return { ok: false, gone: task }
  if (said.by.isBot) return ignore('bot_sender', 'written by a bot')
  const direct = directIn(said.what)
  const text = direct ? '' : wordsOf(said.what)
  if (text === undefined) return ignore('not_for_us', `nothing is done on ${said.kind}`)
  if (said.what.type === 'button' && !fits(said.what, task))
    return { ok: false, late: task && isAbout(said.what.value, task) ? task : undefined }
  // What Muster is called is the repository's to say: which that is has to be known before the words are read.
  const named = once(() => findOne(deps, chosen ?? text))
  const before = await likelyRepository(deps, said, task, text, named)
  const command = direct ?? commandIn(said.what, text, task, await namesOf(deps, before))
  if (!command) return ignore('no_trigger', 'not addressed to Muster')
  // In a chat there is more than one piece of work to ask after.
  if (!task && command.verb === 'status' && !isTicket(said.surface) && !said.by.isStranger)
    return { ok: false, ask: 'page' }
  const handed = said.what.type === 'assigned' || said.what.type === 'labelled'
  if (handed && task && isActive(task)) return ignore('task_exists', 'Muster is at work on it already')
  const ticket = task && isActive(task) ? undefined : await ticketOf(deps, said)
  const found = task && isActive(task) ? undefined : await repositoryOf(deps, said, command, named, ticket)
  const repository = found?.repository ?? task?.origin.repository
  if (said.what.type === 'labelled' && !(await isOurs(deps, said.what.labels, repository)))
    return ignore('not_for_us', 'another label')
  if (!repository) return isOpening(command.verb) ? { ok: false, ask: 'repository' } : { ok: false, alone: command }
  const bare = (words: string) => (found?.named ? withoutRepository(words, repository) : words)
  const request = bare(requestOf(text, isHanded(said.what) ? undefined : command))
  const same = task?.origin.repository.id === repository.id ? task : undefined
  const loaded = await deps.settings.load(repository, false)
  const heard = await heardOf(deps, said, repository, { text: bare(text), request, command: direct }, ticket)
  return { ok: true, heard, task: same, loaded, names: namesIn(loaded) }
}

/** The repository of the work that is held here, or the one that the words or the settings name. */
async function likelyRepository(
  deps: InboxDeps,
  { what, surface }: Said,
  task: Task | undefined,
  text: string,
  named: () => Promise<Repository | undefined>,
): Promise<Repository | undefined> {
  if (task) return task.origin.repository
  // Nobody else's words are looked into: a name stands behind one of these.
  if (what.type !== 'text' || !/@|^[ \t]*\//m.test(text)) return undefined
  const ticket = what.ticket
  return (await named()) ?? (ticket && (await find(deps, deps.mapped(surface.channel, ticket.projects))))
}

async function namesOf(deps: InboxDeps, repository: Repository | undefined): Promise<Names> {
  return namesIn(repository && (await deps.settings.load(repository, false)))
}

/** Muster's own account in a channel is written `@muster`, whatever it is called on GitHub. */
function namesIn(loaded: Loaded | undefined): Names {
  const mention = loaded?.ok ? loaded.settings.mention : 'muster'
  return {
    mentions: [...new Set(['muster', mention])],
    label: '',
    botId: -1,
    environments: loaded?.ok ? environmentNames(loaded.settings) : [],
  }
}

function ignore(reason: string, detail: string): Elsewhere {
  return { ok: false, decision: { outcome: 'ignored', reason, detail } }
}

/** What was said, as the text of a comment; undefined where it was not said in words. */
function wordsOf(what: SaidWhat): string | undefined {
  switch (what.type) {
    case 'text':
      return !what.handed && what.mentioned && isAddressed(what.text)
        ? `@muster ${what.text.replaceAll('@muster', '').trim()}`
        : what.text
    default:
      return undefined
  }
}

/** What is done without words, as the command that it is; undefined: it is none. */
function directIn(what: SaidWhat): CommandOf | undefined {
  switch (what.type) {
    case 'button':
      return pressed(what.action, what.value)
    // A ticket that is handed over is a request for its work.
    case 'assigned':
    case 'labelled':
      return { verb: 'build', text: '' }
    default:
      return undefined
  }
}

/** A repository was chosen for what was asked before: now that is heard again, by whoever chose, in its author's words. What was said as a command stays one for its author alone. */
async function withChoice(deps: InboxDeps, said: Said): Promise<{ said: Said; chosen?: string }> {
  const { what, surface } = said
  if (what.type !== 'chosen') return { said }
  const stored = await deps.store.inbox.get(what.event)
  const asked = stored?.lane === surfaceKey(surface) || isAside(surface) ? stored : undefined
  const read = asked && (await deps.readers[surface.channel]?.(asked.body, asked.account))
  if (!read || 'ignored' in read || read.what.type !== 'text' || !/^[\w-]+\/[\w.-]+$/.test(what.repository))
    return { said }
  const author = read.author ?? read.by
  // Only its author's own choice makes it a command again.
  const handed = read.what.handed === true || memberKey(author) !== memberKey(said.by)
  return {
    said: { ...said, writtenAt: read.writtenAt, author, what: { ...read.what, handed } },
    chosen: what.repository,
  }
}

/** Muster is called within a sentence (or not by name, in a direct message), in their own words; not only spoken of ("cc @muster"). */
function isAddressed(text: string): boolean {
  if (!text.includes('@muster')) return true
  const told = toldIn(text, ['muster'])
  return told.commands.length === 0 && told.isNamed
}

/** A button decides what it was shown for, and nothing that came after. */
function fits({ action, value }: Extract<SaidWhat, { type: 'button' }>, task: Task | undefined): boolean {
  if (action === 'cancel' || action === 'retry') return task?.id === value
  if (action === 'continue') return task !== undefined && bindings(task).some((one) => value.endsWith(` ${one}`))
  if (action === 'reject')
    return (task?.gates ?? []).some((gate) => (gate.kind === 'plan' || gate.kind === 'deploy') && gate.hash === value)
  return true
}

/** Whether what a button carries is this task's, and not an earlier one's. */
function isAbout(value: string, { id, planHash, approvals, releases }: Task): boolean {
  const hashes = [planHash, ...approvals.map(({ hash }) => hash), ...releases.map(({ plan }) => plan?.hash)]
  return value.includes(id) || hashes.includes(value)
}

/** What a press on *Continue* would go on from. */
function bindings(task: Task): readonly string[] {
  const budget = gateAt(task, 'budget') ? [budgetBinding(task)] : []
  return gateAt(task, 'baseline') ? [...budget, baselineBinding(task)] : budget
}

/** What a press asks for, bound to what its button was shown for. */
function pressed(action: string, value: string): CommandOf | undefined {
  const name = /^[\da-f]{7,64}$/.test(value) ? value : undefined
  switch (action) {
    case 'approve':
      return name ? { verb: 'approve', sha: name } : undefined
    case 'reject':
      return name ? { verb: 'reject', text: '', name } : undefined
    case 'cancel':
    case 'retry':
      return { verb: action, text: '' }
    case 'continue': {
      const [, usd] = /^(\d{1,4}) /.exec(value) ?? []
      return usd === undefined ? undefined : { verb: 'continue', usd: Number(usd) || undefined }
    }
    default:
      return undefined
  }
}

/** Somebody else's words, or words that were not said to Muster. */
function isHanded(what: SaidWhat): boolean {
  return what.type === 'text' && what.handed === true
}

function commandIn(what: SaidWhat, text: string, task: Task | undefined, names: Names): Command | undefined {
  const said = { type: 'text', text, ...(isHanded(what) ? { handed: true } : {}) } as const
  const told = toldBy({ what: said }, names)
  // One that begins work wants a repository, wherever it stands.
  const command = told.commands.find(({ verb }) => isOpening(verb)) ?? told.commands[0]
  if (command) return command
  if (told.isAddressed) return { verb: 'note', text, meant: undefined }
  // A plain reply in the thread may answer the questions asked there; by whom, is looked at once that is known.
  const answers =
    task !== undefined && gateAt(task, 'question') !== undefined && what.type === 'text' && text.trim() !== ''
  return answers ? { verb: 'answer', text } : undefined
}

/** The ticket as the event brought it; asked for where it did not. */
async function ticketOf(deps: InboxDeps, { what, surface }: Said): Promise<Ticket | undefined> {
  const brought = 'ticket' in what ? what.ticket : undefined
  return brought ?? deps.facts[surface.channel]?.ticket(surface)
}

interface Where {
  readonly repository: Repository
  /** The words say so. */
  readonly named: boolean
}

/** What the words name goes before what the project is set to, and that before what the ticket's own text names. */
async function repositoryOf(
  deps: InboxDeps,
  { surface, by }: Said,
  command: Command,
  named: () => Promise<Repository | undefined>,
  ticket: Ticket | undefined,
): Promise<Where | undefined> {
  const found = await named()
  if (found) return { repository: found, named: true }
  const linked = command.verb === 'link' ? await repositoryAt(deps, command.url) : undefined
  const set = linked ?? (ticket && (await find(deps, deps.mapped(surface.channel, ticket.projects))))
  const read = set ?? (ticket && (await findOne(deps, `${ticket.title}\n${ticket.body}`)))
  // Which projects are about code is the operator's to say; a chat is about whatever there is.
  const isOurs = !isTicket(surface) && !by.isStranger && isOpening(command.verb)
  const repository = read ?? (isOurs ? await only(deps) : undefined)
  return repository && { repository, named: false }
}

/** Where there is but one, nobody has to say which. */
async function only({ platform }: InboxDeps): Promise<Repository | undefined> {
  const [one, ...others] = await platform.repositories(2)
  return others.length === 0 ? one : undefined
}

/** The one repository of Muster's that a text names; of several, none: then people say which. */
async function findOne(deps: InboxDeps, text: string): Promise<Repository | undefined> {
  const found = await Promise.all(repositoriesIn(text).map((one) => find(deps, one)))
  const real = new Map(found.flatMap((one) => (one ? [[one.id, one] as const] : [])))
  return real.size === 1 ? [...real.values()][0] : undefined
}

async function find(deps: InboxDeps, named: { owner: string; name: string } | undefined) {
  return named && deps.platform.findRepository(named.owner, named.name)
}

/** Whether one of the labels is the one that hands work over, as the repository's settings call it. */
async function isOurs(
  deps: InboxDeps,
  labels: readonly string[],
  repository: Repository | undefined,
): Promise<boolean> {
  const loaded = repository && (await deps.settings.load(repository, false))
  const label = loaded?.ok ? loaded.settings.label : LABEL
  return labels.some((one) => one.toLowerCase() === label.toLowerCase())
}

async function heardOf(
  deps: InboxDeps,
  said: Said,
  repository: Repository,
  {
    text,
    request,
    command,
  }: { readonly text: string; readonly request: string; readonly command: CommandOf | undefined },
  ticket: Ticket | undefined,
): Promise<Heard> {
  const person = await personOf(deps, said.by)
  const author = person ?? NOBODY
  // A button stands on a message of Muster's own, which says itself what came of it.
  const messageId = said.what.type === 'text' ? said.what.messageId : ''
  // Whose words these are: a ticket's author, whoever wrote a message that is handed over, or who says it.
  const writer = ticket?.author ?? said.author ?? said.by
  const isOwn = writer.id === said.by.id
  const subject: Subject = {
    number: 0,
    isPullRequest: false,
    title: ticket?.title ?? titleOf(request, repository),
    body: ticket?.body ?? request,
    author: isOwn ? author : ((await personOf(deps, writer)) ?? NOBODY),
    url: ticket?.url ?? '',
  }
  return {
    kind: said.kind,
    repository,
    sender: { ...author, isBot: false },
    key: surfaceKey(said.surface),
    writtenAt: said.writtenAt,
    what: {
      type: 'text',
      text,
      commentId: undefined,
      subject,
      ...(command ? { command } : {}),
      ...(isHanded(said.what) ? { handed: true } : {}),
    },
    elsewhere: {
      surface: said.surface,
      member: said.by,
      messageId,
      isLinked: person !== undefined,
      url: ticket?.url ?? said.surface.url ?? '',
    },
  }
}
