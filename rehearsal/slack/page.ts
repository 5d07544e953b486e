import type { FastifyInstance, FastifyReply } from 'fastify'
import { escape } from '../../src/core/markup.ts'
import { STYLE } from './page-assets.ts'
import type { SlackMessage, SlackWorld } from './world.ts'

/** A page that shows channels and threads as people see them in Slack. */
export function pageRoutes(app: FastifyInstance, world: SlackWorld): void {
  app.get('/', async (_request, reply) => html(reply, page(world)))
  app.get('/archives/*', async (_request, reply) => html(reply, page(world)))
}

const SIGNS: Readonly<Record<string, string>> = { eyes: '👀', white_check_mark: '✅', warning: '⚠️' }

function html(reply: FastifyReply, body: string): FastifyReply {
  return reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    .send(body)
}

function page(world: SlackWorld): string {
  const rooms = [...world.channels].map(([id, name]) => room(world, id, name)).join('') + homes(world)
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(world.team.name)} · Slack rehearsal</title><style>${STYLE}</style><main>${rooms}</main></html>`
}

function room(world: SlackWorld, id: string, name: string): string {
  const roots = world.messages.filter((one) => one.channel === id && one.thread === undefined)
  const threads = roots.map((root) => {
    const replies = world.thread(id, root.ts).filter((one) => one !== root)
    const count =
      replies.length > 0 ? `<p class="count">${replies.length} ${replies.length === 1 ? 'reply' : 'replies'}</p>` : ''
    return `<section>${message(world, root)}${count}<div class="thread">${replies.map((one) => message(world, one)).join('')}</div></section>`
  })
  const whispers = world.whispers
    .filter((one) => one.channel === id)
    .map(
      (one) =>
        `<div class="message whisper"><p class="hint">Only visible to ${escape(nameOf(world, one.user))}</p>${all(world, one.blocks, block)}</div>`,
    )
  return `<h1># ${escape(name)}</h1>${threads.join('')}${whispers.join('')}`
}

/** What each person sees in Muster's tab. */
function homes(world: SlackWorld): string {
  return [...world.homes]
    .map(
      ([user, view]) =>
        `<section class="home"><h1>Muster · Home (${escape(nameOf(world, user))})</h1>${all(world, list(view['blocks']), block)}</section>`,
    )
    .join('')
}

function nameOf(world: SlackWorld, user: string): string {
  return user === world.bot.id ? 'Muster' : (world.users.find((one) => one.id === user)?.realName ?? user)
}

function message(world: SlackWorld, one: SlackMessage): string {
  const who = escape(nameOf(world, one.user))
  const time = new Date(Number(one.ts) * 1000).toISOString().slice(11, 16)
  const edited = one.edits > 0 ? ' <span class="hint">(edited)</span>' : ''
  const reactions = one.reactions
    .map((name) => `<span class="reaction">${SIGNS[name] ?? escape(name)} 1</span>`)
    .join('')
  const pictures = one.files
    .map(
      ({ title, bytes }) =>
        `<figure><figcaption>${escape(title)}</figcaption><img alt="${escape(title)}" src="data:image/png;base64,${bytes.toString('base64')}"></figure>`,
    )
    .join('')
  const body = one.blocks.length > 0 ? all(world, one.blocks, block) : `<p>${plain(world, one.text)}</p>`
  const avatar = one.byApp ? 'M' : who.charAt(0)
  return `<div class="message"><div class="avatar${one.byApp ? ' app' : ''}">${avatar}</div><div class="content"><p class="who"><b>${who}</b>${one.byApp ? ' <span class="tag">APP</span>' : ''} <time>${time}</time></p>${body}${pictures}${edited}${reactions ? `<p>${reactions}</p>` : ''}</div></div>`
}

function plain(world: SlackWorld, text: string): string {
  return text
    .replace(/<@(\w+)>/g, (_all, id: string) => `<span class="mention">@${escape(nameOf(world, id))}</span>`)
    .replaceAll('\n', '<br>')
}

type Json = Readonly<Record<string, unknown>>
const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? (value as Json[]) : [])

function all<T>(world: SlackWorld, values: readonly T[], show: (world: SlackWorld, value: T) => string): string {
  return values.map((value) => show(world, value)).join('')
}

function block(world: SlackWorld, value: unknown): string {
  const one = value as Json
  switch (one['type']) {
    case 'header':
      return `<h3>${escape((one['text'] as Json)['text'])}</h3>`
    case 'divider':
      return '<hr>'
    case 'actions':
      return `<p class="actions">${list(one['elements'])
        .map(
          (button) =>
            `<button class="${escape(button['style'] ?? 'plain')}">${escape((button['text'] as Json)['text'])}</button>`,
        )
        .join('')}</p>`
    case 'table':
      return `<table>${(one['rows'] as Json[][]).map((row) => `<tr>${row.map((cell) => `<td>${block(world, cell)}</td>`).join('')}</tr>`).join('')}</table>`
    case 'rich_text':
      return all(world, list(one['elements']), element)
    default:
      return `<p class="hint">${escape(one['type'])}</p>`
  }
}

function element(world: SlackWorld, one: Json): string {
  const inner = list(one['elements'])
  const border = one['border'] ? ' class="bar"' : ''
  switch (one['type']) {
    case 'rich_text_section':
      return `<p>${all(world, inner, inline)}</p>`
    case 'rich_text_quote':
      return `<blockquote>${all(world, inner, inline)}</blockquote>`
    case 'rich_text_preformatted':
      return `<pre${border}>${all(world, inner, inline)}</pre>`
    case 'rich_text_list': {
      const tag = one['style'] === 'ordered' ? 'ol' : 'ul'
      return `<${tag}${border} style="margin-left:${Number(one['indent'] ?? 0) * 20}px">${inner
        .map((item) => `<li>${all(world, list(item['elements']), inline)}</li>`)
        .join('')}</${tag}>`
    }
    default:
      return ''
  }
}

function inline(world: SlackWorld, one: Json): string {
  if (one['type'] === 'user') return `<span class="mention">@${escape(nameOf(world, String(one['user_id'])))}</span>`
  const style = (one['style'] ?? {}) as Json
  const words = escape(one['text'] ?? one['url'] ?? '').replaceAll('\n', '<br>')
  const tags = [style['code'] && 'code', style['bold'] && 'b', style['italic'] && 'i', style['strike'] && 's'].filter(
    Boolean,
  )
  const marked = tags.reduce((text: string, tag) => `<${String(tag)}>${text}</${String(tag)}>`, words)
  return one['type'] === 'link' ? `<a href="${escape(one['url'])}">${marked}</a>` : marked
}
