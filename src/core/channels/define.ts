/** What is common to all places outside GitHub where a conversation is held. */
export interface Place {
  /** Where people can look at it, once that is known. */
  readonly url?: string | undefined
}

/**
 * What the house asks about a channel beside GitHub, in place of its name. Pure: what talks to its service stands in `channels/<name>/`.
 * A channel is a file here, a folder there, and a line in each registry.
 */
export interface ChannelTraits<Name extends string, Surface> {
  readonly name: Name
  /** As people call it. */
  readonly title: string
  /** Where its events come in, and whether a stored one is answered with more than 2xx. */
  readonly door: { readonly path: string; readonly answers: 'told' | 'silent' }
  /** Where conversations are held: in threads, whose work gets an issue of its own, or on tickets, which are one. */
  readonly holds: 'threads' | 'tickets'
  /** Whether a message can be for one person's eyes. */
  readonly whispers: boolean
  /** Whether decisions can be made by buttons. */
  readonly buttons: boolean
  /** Whether a sign can be put on what was said. */
  readonly signs: boolean
  /** Whether a picture can be shown. */
  readonly pictures: boolean
  /** Whether a ticket can have parts of its own. */
  readonly subtasks: boolean
  /** Whether tickets are called by names that people write in running text (`SHOP-12`). */
  readonly namesTickets: boolean
  /** Whether its platform tells of one action twice at about the same time, without an id that would say so. */
  readonly tellsInHalves: boolean
  /** The conversation key of a surface, without the channel. */
  readonly key: (surface: Surface) => string
  /** The workspace or site of a surface. */
  readonly account: (surface: Surface) => string
  /** What people call a surface, in a sentence. */
  readonly call: (surface: Surface) => string
  /** What its ticket is called, where it has a name of its own. */
  readonly ticketName: (surface: Surface) => string | undefined
  /** Whether it was said by a command that stands in no thread: only its author sees what is answered. */
  readonly isAside: (surface: Surface) => boolean
}
