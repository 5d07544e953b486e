import { randomBytes } from 'node:crypto'
import { Consent } from '../consent.ts'

/** The state of the rehearsal's Slack: one workspace, its people, channels and messages. */
export interface SlackUser {
  readonly id: string
  readonly name: string
  readonly realName: string
  /** Another workspace's, seen through a shared channel. */
  readonly homeTeam: string
  readonly isGuest: boolean
}

export interface SlackMessage {
  readonly ts: string
  readonly channel: string
  readonly thread: string | undefined
  readonly user: string
  readonly byApp: boolean
  text: string
  blocks: readonly unknown[]
  metadata: unknown
  readonly reactions: string[]
  edits: number
  readonly files: SlackFile[]
  /** Messages that were passed on with it, as Slack tells of them. */
  readonly attachments?: readonly Readonly<Record<string, unknown>>[] | undefined
}

/** A form that is open before somebody. */
export interface OpenView {
  readonly id: string
  readonly user: string
  readonly view: Readonly<Record<string, unknown>>
}

export interface SlackFile {
  readonly id: string
  readonly name: string
  title: string
  readonly mimetype?: string | undefined
  bytes: Buffer
}

export interface Whisper {
  readonly ts: string
  readonly channel: string
  readonly user: string
  readonly text: string
  readonly blocks: readonly unknown[]
}

/** One call of the Web API and its answer, for whoever checks them. */
export interface SlackCall {
  readonly method: string
  readonly args: Readonly<Record<string, unknown>>
  readonly error: string | undefined
}

export class SlackWorld {
  readonly team = { id: 'T0REHEARSE', name: 'Acme', domain: 'acme' }
  readonly bot = { id: 'U0MUSTER00', botId: 'B0MUSTER00', appId: 'A0MUSTER00', name: 'muster' }
  readonly botToken = `xoxb-rehearsal-${randomBytes(12).toString('hex')}`
  readonly signingSecret = randomBytes(16).toString('hex')
  readonly users: SlackUser[] = []
  readonly channels = new Map<string, string>()
  /** Channels that Muster is not in: it may neither read nor write there. */
  readonly foreign = new Set<string>()
  readonly messages: SlackMessage[] = []
  readonly whispers: Whisper[] = []
  readonly views: OpenView[] = []
  /** The tab of each person. */
  readonly homes = new Map<string, Readonly<Record<string, unknown>>>()
  readonly unfurls = new Map<string, unknown>()
  readonly files = new Map<string, SlackFile>()
  /** Whoever may have a form opened, by the trigger of what they just did, and until when. */
  readonly triggers = new Map<string, { readonly user: string; readonly until: number }>()
  /** Whose command is answered at an address, and how often it still may be. */
  readonly responders = new Map<string, { readonly user: string; readonly channel: string; left: number }>()
  readonly calls: SlackCall[] = []
  /** Where events are delivered to. */
  eventsUrl = ''
  /** Installing by consent. */
  readonly consent = new Consent()
  url = ''
  /** For so long what is new is missing in lists (ms), for faults. */
  hiddenMs = 0
  /** Told of everything that people see: who, what, where, and the words. */
  onSeen: (who: string, what: string, where: string, text: string) => void = () => {}
  #last = 0

  addUser(name: string, extra: Partial<SlackUser> = {}): SlackUser {
    const user = {
      id: `U0${name.toUpperCase().padEnd(8, '0')}`,
      name,
      realName: name.charAt(0).toUpperCase() + name.slice(1),
      homeTeam: this.team.id,
      isGuest: false,
      ...extra,
    }
    this.users.push(user)
    return user
  }

  addChannel(name: string): string {
    const id = `C0${name.toUpperCase().replaceAll(/\W/g, '').padEnd(8, '0')}`
    this.channels.set(id, name)
    return id
  }

  /** Slack's timestamps name messages: seconds, and six digits that make them unique. */
  ts(): string {
    this.#last = Math.max(this.#last + 1, Math.floor(Date.now() * 1000))
    return `${Math.floor(this.#last / 1_000_000)}.${String(this.#last % 1_000_000).padStart(6, '0')}`
  }

  /** What people call somebody. */
  nameOf(user: string): string {
    return this.users.find(({ id }) => id === user)?.name ?? user
  }

  /** Words with the names of those whom they call. */
  named(words: string): string {
    return words.replace(/<@(\w+)>/g, (_all, id: string) => `@${this.nameOf(id)}`)
  }

  /** A trigger as Slack gives them out: good for three seconds. */
  trigger(user: string): string {
    const now = Date.now()
    const id = `${now}.${randomBytes(6).toString('hex')}`
    this.triggers.set(id, { user, until: now + 3000 })
    return id
  }

  /** An address as Slack gives them out with commands: good five times. */
  responder(user: string, channel: string): string {
    const id = randomBytes(9).toString('hex')
    this.responders.set(id, { user, channel, left: 5 })
    return `${this.url}/commands/${id}`
  }

  /** A new message, and nothing on it yet but what is given. */
  add(message: Pick<SlackMessage, 'channel' | 'thread' | 'user' | 'byApp'> & Partial<SlackMessage>): SlackMessage {
    const added = {
      ts: this.ts(),
      text: '',
      blocks: [],
      metadata: undefined,
      reactions: [],
      edits: 0,
      files: [],
      ...message,
    }
    this.messages.push(added)
    return added
  }

  find(channel: string, ts: string): SlackMessage | undefined {
    return this.messages.find((one) => one.channel === channel && one.ts === ts)
  }

  thread(channel: string, ts: string): SlackMessage[] {
    return this.messages.filter((one) => one.channel === channel && (one.ts === ts || one.thread === ts))
  }
}
