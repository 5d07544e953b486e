import type { FastifyInstance, FastifyReply } from 'fastify'
import { escape } from '../../src/core/markup.ts'
import { adfHtml } from './adf.ts'
import type { JiraComment, JiraWorld, Ticket } from './world.ts'

/** A page that shows tickets as people see them in Jira. */
export function pageRoutes(app: FastifyInstance, world: JiraWorld): void {
  app.get('/', async (_request, reply) => html(reply, page(world, world.tickets)))
  app.get('/browse/:key', async (request, reply) => {
    const { key } = request.params as { key: string }
    const ticket = world.ticket(key)
    return html(reply.code(ticket ? 200 : 404), page(world, ticket ? [ticket] : []))
  })
}

function html(reply: FastifyReply, body: string): FastifyReply {
  return reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
    .send(body)
}

function page(world: JiraWorld, tickets: readonly Ticket[]): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(world.project.name)} · Jira rehearsal</title><style>${STYLE}</style><main>${tickets.map((one) => shown(world, one)).join('') || '<p>No tickets.</p>'}</main></html>`
}

function shown(world: JiraWorld, ticket: Ticket): string {
  const links = ticket.links
    .map(
      ({ relationship, object }) =>
        `<li>${object.status?.resolved ? '<s>' : ''}<a href="${escape(object.url)}">${escape(object.title)}</a>${object.status?.resolved ? '</s>' : ''} <span class="muted">${escape(relationship)}</span></li>`,
    )
    .join('')
  const parts = world.tickets
    .filter(({ parent }) => parent === ticket)
    .map((one) => `<li><a href="/browse/${escape(one.key)}">${escape(one.key)}</a> ${escape(one.summary)}</li>`)
    .join('')
  return `<article><p class="crumbs">Projects / ${escape(world.project.name)} / <a href="/browse/${escape(ticket.key)}">${escape(ticket.key)}</a></p><h1>${escape(ticket.summary)}</h1>
<div class="columns"><div class="main"><h3>Description</h3>${adfHtml(ticket.description) || '<p class="muted">None</p>'}${parts ? `<h3>Sub-tasks</h3><ul class="links">${parts}</ul>` : ''}${links ? `<h3>Web links</h3><ul class="links">${links}</ul>` : ''}<h3>Activity · Comments</h3>${ticket.comments.map((one) => comment(world, one)).join('') || '<p class="muted">None yet</p>'}</div>
<aside><p><span class="status ${ticket.status.category}">${escape(ticket.status.name)}</span></p><dl><dt>Assignee</dt><dd>${escape(ticket.assignee?.displayName ?? 'Unassigned')}</dd><dt>Reporter</dt><dd>${escape(ticket.reporter.displayName)}</dd><dt>Labels</dt><dd>${ticket.labels.map(escape).join(', ') || 'None'}</dd></dl></aside></div></article>`
}

function comment(world: JiraWorld, one: JiraComment): string {
  const who = escape(one.author.displayName)
  const edited = one.updated > one.created ? ' · <span class="muted">edited</span>' : ''
  return `<section class="comment"><div class="avatar${one.author === world.bot ? ' app' : ''}">${who.charAt(0)}</div><div class="content"><p><b>${who}</b> <span class="muted">${one.created.toISOString().slice(11, 16)}</span>${edited}</p>${adfHtml(one.body)}</div></section>`
}

/** The look of the rehearsal's Jira. */
const STYLE = `body{font:14px/1.5 "Noto Sans",-apple-system,"Segoe UI",sans-serif;color:#172b4d;margin:0;background:#fff}main{max-width:1040px;margin:0 auto;padding:16px 24px}article{border-bottom:2px solid #ebecf0;padding-bottom:24px;margin-bottom:24px}.crumbs,.muted,dt{color:#626f86;font-size:12px}h1{font-size:24px;margin:4px 0 12px}h3{font-size:14px;margin:20px 0 6px}.columns{display:flex;gap:32px}.main{flex:1;min-width:0}aside{flex:0 0 230px;border:1px solid #dcdfe4;border-radius:4px;padding:4px 14px;align-self:flex-start}dd{margin:0 0 10px}
.status{font-weight:700;font-size:12px;text-transform:uppercase;padding:3px 6px;border-radius:3px;background:#dcdfe4}.status.indeterminate{background:#cfe1fd;color:#0055cc}.status.done{background:#baf3db;color:#216e4e}.comment{display:flex;gap:12px;padding:10px 0}.avatar{flex:0 0 32px;height:32px;border-radius:50%;background:#0c66e4;color:#fff;display:grid;place-items:center;font-weight:700}.avatar.app{background:#5e4db2}.content{flex:1;min-width:0}.content p{margin:4px 0}h4{font-size:15px;margin:8px 0 4px}
a{color:#0c66e4;text-decoration:none}pre{background:#f1f2f4;border-radius:3px;padding:8px 12px;white-space:pre-wrap;overflow-wrap:anywhere;font:12px/1.5 ui-monospace,monospace}code{background:#f1f2f4;border-radius:3px;padding:1px 4px;font:12px ui-monospace,monospace}blockquote{border-left:2px solid #dcdfe4;margin:6px 0;padding-left:12px}table{border-collapse:collapse;margin:8px 0}th,td{border:1px solid #dcdfe4;padding:4px 10px;text-align:left;vertical-align:top}th{background:#f1f2f4}td p,th p,li p{margin:0}ul,ol{margin:4px 0;padding-left:24px}
.panel{border-radius:3px;padding:8px 14px;background:#e9f2ff;margin:6px 0}.panel.warning,.panel.note{background:#fff7d6}.mention{background:#e9f2ff;color:#0c66e4;border-radius:10px;padding:0 6px}details{border:1px solid #dcdfe4;border-radius:3px;padding:6px 12px;margin:6px 0}hr{border:0;border-top:1px solid #dcdfe4}.links{list-style:none;padding:0}`
