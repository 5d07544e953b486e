import type { FastifyInstance, FastifyReply } from 'fastify'
import { escape } from '../../src/core/markup.ts'
import { type ClickupComment, type ClickupTicket, type ClickupWorld, type Piece, PULL_FIELD } from './world.ts'

/** A page that shows tasks as people see them in ClickUp. */
export function pageRoutes(app: FastifyInstance, world: ClickupWorld): void {
  app.get('/', async (_request, reply) => html(reply, page(world, world.tickets)))
  app.get('/t/:id', async (request, reply) => {
    const { id } = request.params as { id: string }
    const ticket = world.ticket(id)
    return html(reply.code(ticket ? 200 : 404), page(world, ticket ? [ticket] : []))
  })
}

function html(reply: FastifyReply, body: string): FastifyReply {
  return reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
    .send(body)
}

function page(world: ClickupWorld, tickets: readonly ClickupTicket[]): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(world.list.name)} · ClickUp rehearsal</title><style>${STYLE}</style><main>${tickets.map((one) => shown(world, one)).join('') || '<p>No tasks.</p>'}</main></html>`
}

function shown(world: ClickupWorld, ticket: ClickupTicket): string {
  const pull = ticket.fields.get(PULL_FIELD.id)
  const tags =
    ticket.tags.map((tag) => `<span class="tag">${escape(tag)}</span>`).join(' ') || '<span class="muted">None</span>'
  return `<article><div class="left"><p class="muted">${escape(world.space.name)} / ${escape(world.list.name)} · ${escape(ticket.id)}</p><h1>${escape(ticket.name)}</h1>
<dl><dt>Status</dt><dd><span class="status" style="background:${escape(ticket.status.color)}">${escape(ticket.status.status)}</span></dd><dt>Assignees</dt><dd>${ticket.assignees.map(({ username }) => escape(username)).join(', ') || '<span class="muted">Empty</span>'}</dd><dt>Tags</dt><dd>${tags}</dd><dt>${PULL_FIELD.name}</dt><dd>${pull ? `<a href="${escape(pull)}">${escape(pull.replace(/^https?:\/\/[^/]+\//, ''))}</a>` : '<span class="muted">Empty</span>'}</dd></dl>
<p>${escape(ticket.description).replaceAll('\n', '<br>')}</p></div><aside><h3>Activity</h3>${ticket.comments.map((one) => comment(world, one)).join('') || '<p class="muted">No comments yet</p>'}</aside></article>`
}

function comment(world: ClickupWorld, one: ClickupComment): string {
  const who = escape(one.user.username)
  const edited = one.edits > 0 ? ' · edited' : ''
  return `<section><p class="who"><span class="avatar${one.user === world.bot ? ' app' : ''}">${who.charAt(0)}</span><b>${who}</b> <span class="muted">${new Date(one.date).toISOString().slice(11, 16)}${edited}</span></p>${lines(one.comment)}</section>`
}

/** What a line is stands at its end, as in ClickUp's editor. */
function lines(pieces: readonly Piece[]): string {
  const out: string[] = []
  let line = ''
  let number = 0
  for (const piece of pieces) {
    const parts = piece.text.split('\n')
    for (const [index, part] of parts.entries()) {
      line += inline(piece, part)
      if (index === parts.length - 1) break
      const list = piece.attributes?.['list']
      number = typeof list === 'object' && list !== null && Reflect.get(list, 'list') === 'ordered' ? number + 1 : 0
      out.push(block(line, piece.attributes ?? {}, number))
      line = ''
    }
  }
  if (line) out.push(block(line, {}, 0))
  return out.join('')
}

function inline({ attributes = {}, type }: Piece, text: string): string {
  if (text === '') return ''
  let out = escape(text)
  if (attributes['code']) out = `<code>${out}</code>`
  if (attributes['bold']) out = `<b>${out}</b>`
  if (attributes['italic']) out = `<i>${out}</i>`
  if (attributes['strike']) out = `<s>${out}</s>`
  if (typeof attributes['link'] === 'string') out = `<a href="${escape(attributes['link'])}">${out}</a>`
  return type === 'tag' ? `<span class="mention">${out}</span>` : out
}

const MARKS: Readonly<Record<string, string>> = { bullet: '•', checked: '☑', unchecked: '☐' }

function block(line: string, attributes: Readonly<Record<string, unknown>>, number: number): string {
  const list = attributes['list']
  const indent = Number(attributes['indent'] ?? 0) * 22
  if (typeof list === 'object' && list !== null) {
    const mark = number > 0 ? `${number}.` : (MARKS[String(Reflect.get(list, 'list'))] ?? '•')
    return `<div class="item" style="margin-left:${indent}px"><span>${mark}</span><div>${line}</div></div>`
  }
  if (attributes['code-block']) return `<div class="code">${line || ' '}</div>`
  if (attributes['blockquote']) return `<div class="quote">${line}</div>`
  return `<div>${line || '&nbsp;'}</div>`
}

/** The look of the rehearsal's ClickUp. */
const STYLE = `body{font:14px/1.5 "Noto Sans",-apple-system,"Segoe UI",sans-serif;color:#2a2e34;margin:0;background:#fff}main{max-width:1180px;margin:0 auto}article{display:flex;border-bottom:2px solid #e9ebf0}.left{flex:1;min-width:0;padding:16px 28px}aside{flex:0 0 600px;background:#f7f8f9;border-left:1px solid #e9ebf0;padding:12px 18px}.muted{color:#87909e;font-size:12px}h1{font-size:24px;margin:6px 0 14px}h3{font-size:14px;margin:0 0 8px}dl{display:grid;grid-template-columns:120px 1fr;gap:8px}dt{color:#656f7d}dd{margin:0}
.status{color:#fff;font-size:11px;font-weight:700;text-transform:uppercase;border-radius:4px;padding:3px 8px}.tag{background:#ede8ff;color:#5f48d4;border-radius:4px;padding:1px 6px;font-size:12px}section{background:#fff;border:1px solid #e9ebf0;border-radius:8px;padding:8px 14px;margin-bottom:10px;overflow-wrap:anywhere}.who{margin:0 0 4px;display:flex;gap:8px;align-items:center}.avatar{width:24px;height:24px;border-radius:50%;background:#0f9d9f;color:#fff;display:grid;place-items:center;font-size:12px;font-weight:700}.avatar.app{background:#5f48d4}
.item{display:flex;gap:8px}.code{font:12px/1.5 ui-monospace,monospace;background:#f0f1f3;padding:0 10px;white-space:pre-wrap}.quote{border-left:3px solid #d6d9de;padding-left:10px;color:#656f7d}code{background:#f0f1f3;border-radius:4px;color:#b5366e;font:12px ui-monospace,monospace;padding:1px 4px}a{color:#5f48d4;text-decoration:none}.mention{color:#5f48d4;background:#ede8ff;border-radius:4px;padding:0 4px}`
