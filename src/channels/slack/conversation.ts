import type { WebClient } from '@slack/web-api'
import { z } from 'zod'
import type { Member, Remark, Surface } from '../../core/said.ts'
import { classify, nameOf } from './client.ts'
import { markdownOf, nameIn } from './text.ts'

/** So much of a thread is read: its first message, and the last before the request. */
const LAST = 40
const PAGE = 200
const MAX_PAGES = 10
const MAX_ATTACHED = 10

const optional = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined)
const File = z.object({ name: optional(z.string()), title: optional(z.string()), mimetype: optional(z.string()) })
const Attachment = z.object({
  is_share: optional(z.boolean()),
  is_msg_unfurl: optional(z.boolean()),
  author_id: optional(z.string()),
  author_name: optional(z.string()),
  text: optional(z.string()),
  fallback: optional(z.string()),
  ts: optional(z.string()),
  files: optional(z.array(File)),
})
const Message = z.object({
  ts: z.string(),
  user: optional(z.string()),
  bot_id: optional(z.string()),
  user_team: optional(z.string()),
  team: optional(z.string()),
  text: optional(z.string()),
  files: optional(z.array(File)),
  attachments: optional(z.array(Attachment)),
})
type Message = z.infer<typeof Message>
const Page = z.object({
  messages: optional(z.array(z.unknown())),
  response_metadata: optional(z.object({ next_cursor: optional(z.string()) })),
})

type Thread = Extract<Surface, { channel: 'slack' }>

/** What people call the accounts of a workspace; each is asked for once. */
export type Names = (id: string) => Promise<string>

/** So many names are kept. */
const KNOWN = 2000

export function namesOf(client: WebClient): Names {
  const known = new Map<string, string>()
  return async (id) => {
    const found = known.get(id) ?? (await askName(client, id))
    if (known.size >= KNOWN) known.clear()
    known.set(id, found)
    return found
  }
}

/** A name is a convenience: without one the id stays. */
async function askName(client: WebClient, id: string): Promise<string> {
  const answer = await client.users.info({ user: id }).catch(() => undefined)
  const { profile, name } = answer?.user ?? {}
  return nameIn(profile?.display_name || name, id)
}

/** A text with names for the ids of people. */
export async function withNames(names: Names, text: string): Promise<string> {
  const ids = [...new Set(text.match(/(?<=@)[UW][A-Z0-9]{5,20}\b/g) ?? [])].slice(0, 50)
  const called = new Map(await Promise.all(ids.map(async (id) => [id, await names(id)] as const)))
  return text.replace(/(?<=@)[UW][A-Z0-9]{5,20}\b/g, (id) => called.get(id) ?? id)
}

/** What was said in a thread before a message, and what hangs on the message itself. @throws SendError while Slack cannot be asked */
export async function conversationBefore(
  client: WebClient,
  names: Names,
  surface: Thread,
  messageId: string,
): Promise<readonly Remark[]> {
  const { user_id: user, bot_id: bot } = await client.auth
    .test()
    .catch((error: unknown) => Promise.reject(classify(error)))
  const all = (await messagesOf(client, surface, messageId)).filter(
    (one) => one.user !== user && (one.bot_id === undefined || one.bot_id !== bot),
  )
  const read = all.length > LAST + 1 ? [...all.slice(0, 1), ...all.slice(-LAST)] : all
  const remarks = read.flatMap((one) => remarksIn(surface.team, one, one.ts === messageId))
  return Promise.all(
    remarks.map(async (one) => ({
      ...one,
      by: { ...one.by, name: one.by.name === one.by.id ? await names(one.by.id) : one.by.name },
      text: await withNames(names, one.text),
    })),
  )
}

/** A thread up to a message. A thread that is gone or closed has nothing to say. */
async function messagesOf(client: WebClient, { room, thread }: Thread, latest: string): Promise<Message[]> {
  const found: Message[] = []
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await client.conversations
      .replies({ channel: room, ts: thread, latest, inclusive: true, limit: PAGE, ...(cursor ? { cursor } : {}) })
      .catch((error: unknown) => {
        if (/_not_found$|^not_in_channel$|^missing_scope$/.test(nameOf(error))) return {}
        throw classify(error)
      })
    const { messages = [], response_metadata: more } = Page.parse(answer)
    for (const one of messages) {
      const message = Message.safeParse(one)
      if (message.success && Number(message.data.ts) <= Number(latest)) found.push(message.data)
    }
    cursor = more?.next_cursor
    if (!cursor) break
  }
  return found
}

/** A message as it was said, and each that was passed on with it. @param isRequest its own words are heard already */
function remarksIn(team: string, message: Message, isRequest: boolean): Remark[] {
  const { ts, text = '', files = [], attachments = [] } = message
  const attached = files.slice(0, MAX_ATTACHED).map(fileName)
  const words = isRequest ? '' : markdownOf(text, []).text
  const at = Math.floor(Number(ts) * 1000)
  const own: Remark = { by: authorOf(team, message), at, text: words, attached, isForwarded: false }
  const passed = attachments.slice(0, MAX_ATTACHED).flatMap((one) => forwarded(team, one, at))
  return words.trim() === '' && attached.length === 0 ? passed : [own, ...passed]
}

function authorOf(team: string, { user, bot_id: bot, user_team, team: sender }: Message): Member {
  const home = user_team ?? sender ?? team
  const id = user ?? bot ?? ''
  return {
    channel: 'slack',
    account: home,
    id,
    name: id || 'somebody',
    isBot: user === undefined,
    isStranger: home !== team,
  }
}

/** Messages that are passed on, or linked, are somebody else's words: whose, only Slack's id of them says. */
function forwarded(team: string, one: z.infer<typeof Attachment>, at: number): Remark[] {
  if (!one.is_share && !one.is_msg_unfurl) return []
  const id = one.author_id ?? ''
  const { text } = markdownOf(one.text ?? one.fallback ?? '', [])
  const by: Member = {
    channel: 'slack',
    account: team,
    id,
    name: id || (one.author_name ?? 'somebody'),
    isBot: false,
    isStranger: id === '',
  }
  const said = Number(one.ts) * 1000
  const attached = (one.files ?? []).slice(0, MAX_ATTACHED).map(fileName)
  return [{ by, at: Number.isFinite(said) ? Math.floor(said) : at, text, attached, isForwarded: true }]
}

function fileName({ name, title, mimetype }: z.infer<typeof File>): string {
  return `${name ?? title ?? 'a file'}${mimetype?.startsWith('image/') ? ' (a picture)' : ''}`
}
