import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { refusalOf } from './limits.ts'
import { Id, type Method, mustFind, read, Refused } from './method.ts'
import { wordsIn } from './words.ts'

const View = z.looseObject({
  type: z.enum(['modal', 'home']),
  blocks: z.array(z.unknown()).max(100),
  title: z.object({ text: z.string().max(24) }).optional(),
  callback_id: z.string().max(255).optional(),
  private_metadata: z.string().max(3000).optional(),
})

/** What Slack shows beside messages: forms, tabs, previews, pictures. */
export const VIEW_METHODS: Readonly<Record<string, Method>> = {
  'views.open'(world, args) {
    const { trigger_id: trigger, view } = read(z.object({ trigger_id: Id, view: View }), args)
    const known = world.triggers.get(trigger)
    if (!known) throw new Refused('invalid_trigger_id')
    if (known.until < Date.now()) throw new Refused('expired_trigger_id')
    world.triggers.delete(trigger)
    const open = { id: `V${randomBytes(5).toString('hex').toUpperCase()}`, user: known.user, view }
    world.views.push(open)
    return { ok: true, view: { ...view, id: open.id } }
  },
  'views.publish'(world, args) {
    const { user_id: user, view } = read(z.object({ user_id: Id, view: View }), args)
    const refusal = refusalOf(view.blocks.slice(0, 50), '')
    if (refusal) throw new Refused(refusal)
    world.homes.set(user, view)
    world.onSeen('muster[bot]', 'showed', `the home tab of ${world.nameOf(user)}`, wordsIn(view.blocks))
    return { ok: true, view }
  },
  'chat.unfurl'(world, args) {
    const { channel, ts, unfurls } = read(
      z.object({ channel: Id, ts: Id, unfurls: z.record(z.string(), z.object({ blocks: z.array(z.unknown()) })) }),
      args,
    )
    mustFind(world, channel, ts)
    for (const [url, { blocks }] of Object.entries(unfurls)) {
      const refusal = refusalOf(blocks, '')
      if (refusal) throw new Refused('cannot_unfurl_url')
      world.unfurls.set(`${channel} ${ts} ${url}`, blocks)
    }
    return { ok: true }
  },
  'chat.delete'(world, args) {
    const { channel, ts } = read(z.object({ channel: Id, ts: Id }), args)
    const message = mustFind(world, channel, ts)
    if (!message.byApp) throw new Refused('cant_delete_message')
    world.messages.splice(world.messages.indexOf(message), 1)
    return { ok: true, channel, ts }
  },
  'files.getUploadURLExternal'(world, args) {
    const { filename, length } = read(z.object({ filename: Id, length: z.coerce.number().int().positive() }), args)
    const id = `F${randomBytes(5).toString('hex').toUpperCase()}`
    world.files.set(id, { id, name: filename, title: filename, bytes: Buffer.alloc(0) })
    return { ok: true, upload_url: `${world.url}/upload/${id}?length=${length}`, file_id: id }
  },
  'files.completeUploadExternal'(world, args) {
    const {
      files,
      channel_id: channel,
      thread_ts: thread,
      blocks = [],
    } = read(
      z.object({
        files: z.array(z.object({ id: Id, title: z.string().optional() })).min(1),
        channel_id: Id,
        thread_ts: z.string().optional(),
        blocks: z.array(z.unknown()).optional(),
      }),
      args,
    )
    const refusal = refusalOf(blocks, '')
    if (refusal) throw new Refused(refusal)
    const found = files.map(({ id, title }) => {
      const file = world.files.get(id)
      if (!file || file.bytes.length === 0) throw new Refused('file_not_found')
      file.title = title ?? file.name
      return file
    })
    world.add({ channel, thread, user: world.bot.id, byApp: true, blocks, files: found })
    world.onSeen(
      'muster[bot]',
      'put a picture in',
      `#${world.channels.get(channel)}`,
      world.named(wordsIn(blocks)) || (found[0]?.title ?? ''),
    )
    return { ok: true, files: found.map(({ id, title }) => ({ id, title })) }
  },
}
