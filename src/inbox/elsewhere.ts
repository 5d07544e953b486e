import { type Command, findCommands } from '../core/command.ts'
import type { Heard, Subject } from '../core/heard.ts'
import { OPENING } from '../core/routing.ts'
import { repositoryIn, titleOf } from '../core/request.ts'
import type { Said, SaidWhat } from '../core/said.ts'
import { surfaceKey } from '../core/said.ts'
import type { Decision } from '../core/task/commands.ts'
import type { Person, Repository, Task } from '../core/task/types.ts'
import type { InboxDeps } from './scene.ts'

/** Somebody whose GitHub account is not known: may ask and read, and is nobody to GitHub. */
export const NOBODY: Person = { id: 0, login: '' }

/** An event of another channel as Muster goes on with it, or what becomes of it instead. */
export type Elsewhere =
  | { readonly ok: true; readonly heard: Heard; readonly task: Task | undefined }
  | { readonly ok: false; readonly decision: Decision }
  /** The repository has to be asked for. */
  | { readonly ok: false; readonly ask: 'repository' | 'help' }

/**
 * Finds out whose words these are and what they are about: the GitHub account that is linked to their author, the task of
 * their thread or ticket, the repository they name. Authority is asked of GitHub afterwards, as for everybody.
 */
export async function fromElsewhere(deps: InboxDeps, said: Said): Promise<Elsewhere> {
  if (said.by.isBot) return ignore('bot_sender', 'written by a bot')
  const known = await deps.store.conversations.find(surfaceKey(said.surface))
  const task = known ? await deps.store.tasks.latest(known) : undefined
  const text = wordsOf(said.what)
  if (text === undefined) return ignore('not_for_us', `nothing is done on ${said.kind}`)
  const command = commandIn(said.what, text, task)
  if (!command) return ignore('no_trigger', 'not addressed to Muster')
  const repository = task?.origin.repository ?? (await namedIn(deps, text))
  if (!repository) return { ok: false, ask: OPENING.has(command.verb) ? 'repository' : 'help' }
  const person = said.by.isStranger ? undefined : await deps.store.people.personOf(said.by)
  const heard = heardOf(said, person, repository, text)
  return { ok: true, heard, task }
}

function ignore(reason: string, detail: string): Elsewhere {
  return { ok: false, decision: { outcome: 'ignored', reason, detail } }
}

/** What was said, as the text of a comment; undefined where it was not said in words. */
function wordsOf(what: SaidWhat): string | undefined {
  switch (what.type) {
    case 'text':
      return what.mentioned && !/^ {0,3}[@/]muster\b/im.test(what.text)
        ? `@muster ${what.text.replaceAll('@muster', '').trim()}`
        : what.text
    case 'button':
      return buttonText(what.action, what.value)
    default:
      return undefined
  }
}

/** A press says what the command would have said. */
function buttonText(action: string, value: string): string | undefined {
  switch (action) {
    case 'approve':
      return /^[\da-f]{7,64}$/.test(value) ? `@muster approve ${value}` : undefined
    case 'reject':
    case 'cancel':
    case 'retry':
      return `@muster ${action}`
    case 'continue':
      return /^\d{1,4}$/.test(value) ? `@muster continue +$${value}` : undefined
    default:
      return undefined
  }
}

function commandIn(what: SaidWhat, text: string, task: Task | undefined): Command | undefined {
  const [command] = findCommands(text, ['muster'])
  if (command) return command
  // A plain reply in the thread answers the questions asked there.
  const answers = task?.gate?.kind === 'question' && what.type === 'text' && text.trim() !== ''
  return answers ? { verb: 'answer', text } : undefined
}

async function namedIn(deps: InboxDeps, text: string): Promise<Repository | undefined> {
  const named = repositoryIn(text)
  return named && deps.platform.findRepository(named.owner, named.name)
}

function heardOf(said: Said, person: Person | undefined, repository: Repository, text: string): Heard {
  const author = person ?? NOBODY
  const subject: Subject = {
    number: 0,
    isPullRequest: false,
    title: titleOf(text, repository),
    body: text.replace(/^ {0,3}@muster\s*/i, ''),
    author,
    url: '',
  }
  const messageId = 'messageId' in said.what ? said.what.messageId : ''
  return {
    kind: said.kind,
    repository,
    sender: { ...author, isBot: false },
    key: surfaceKey(said.surface),
    writtenAt: said.writtenAt,
    what: { type: 'text', text, commentId: undefined, subject },
    elsewhere: { surface: said.surface, member: said.by, messageId, isLinked: person !== undefined },
  }
}
