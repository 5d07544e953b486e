import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { Marked } from 'marked'
import { escape } from '../../src/core/markup.ts'
import { git } from './git.ts'
import { CLIENT_SCRIPT, STYLE } from './page-assets.ts'
import type { Account, Comment, Issue, Repo, World } from './world.ts'

/** A page that shows the issue, the pull request with its diff, and the conversation, as on GitHub. */

const marked = new Marked({
  gfm: true,
  renderer: {
    code({ text, lang }) {
      return lang === 'mermaid'
        ? `<pre class="mermaid">${escape(text)}</pre>`
        : `<pre><code>${escape(text)}</code></pre>`
    },
  },
})

export function pageRoutes(app: FastifyInstance, world: World): void {
  const mermaid = readFileSync(createRequire(import.meta.url).resolve('@mermaid-js/tiny'))
  app.get('/assets/mermaid.js', async (_request, reply) =>
    reply.type('text/javascript').header('cache-control', 'max-age=86400').send(mermaid),
  )
  app.get('/assets/page.js', async (_request, reply) => reply.type('text/javascript').send(CLIENT_SCRIPT))
  app.get('/assets/version', async (_request, reply) => reply.type('text/plain').send(String(world.ledger.length)))
  app.get('/', async (_request, reply) => html(reply, await indexPage(world)))
  app.get('/:owner/:name/issues/:number', async (request, reply) => show(request.params, reply))
  app.get('/:owner/:name/pull/:number', async (request, reply) => show(request.params, reply))

  async function show(params: unknown, reply: FastifyReply): Promise<FastifyReply> {
    const { number } = params as { number: string }
    const issue = world.issues.find((one) => one.number === Number(number))
    const [repo] = world.repos
    return issue && repo
      ? html(reply, layout(issue.title, repo, await issuePage(world, repo, issue)))
      : html(reply.code(404), 'Not found')
  }
}

function html(reply: FastifyReply, body: string): FastifyReply {
  // Scripts only from here: what is shown was written by models and strangers.
  return reply
    .type('text/html; charset=utf-8')
    .header(
      'content-security-policy',
      "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'",
    )
    .send(body)
}

function layout(title: string, repo: Repo | undefined, body: string): string {
  const name = repo ? `${repo.owner.login} / <strong>${escape(repo.name)}</strong>` : ''
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(title)}</title><style>${STYLE}</style>
<header><a href="/">${name}</a><span class="hint">Rehearsal: a local server that behaves like GitHub</span></header><main>${body}</main><script src="/assets/mermaid.js"></script><script src="/assets/page.js"></script></html>`
}

async function indexPage(world: World): Promise<string> {
  const [repo] = world.repos
  const rows = world.issues
    .map(
      (issue) =>
        `<li>${stateBadge(issue)} <a href="${linkOf(repo, issue)}">${escape(issue.title)}</a> <span class="hint">#${issue.number} by ${escape(issue.user.login)}</span></li>`,
    )
    .join('')
  const sections = await Promise.all(world.issues.map(async (issue) => (repo ? issuePage(world, repo, issue) : '')))
  return layout('Rehearsal', repo, `<ul class="list">${rows}</ul>${sections.join('<hr>')}`)
}

function linkOf(repo: Repo | undefined, issue: Issue): string {
  return `/${repo?.owner.login}/${repo?.name}/${issue.pull ? 'pull' : 'issues'}/${issue.number}`
}

function stateBadge({ pull, state }: Issue): string {
  const [name, css] = pull?.merged
    ? ['Merged', 'merged']
    : state === 'closed'
      ? ['Closed', 'merged']
      : pull?.draft
        ? ['Draft', 'draft']
        : ['Open', 'open']
  return `<span class="badge ${css}">${name}</span>`
}

async function issuePage(world: World, repo: Repo, issue: Issue): Promise<string> {
  const timeline = [
    ...world.comments
      .filter((one) => one.issue === issue.number)
      .map((one) => ({ at: one.id, html: commentBox(world, one) })),
    ...world.reviews
      .filter((one) => one.pull === issue.number)
      .map((one) => ({
        at: one.id,
        html: `<p class="event"><strong>${escape(one.user.login)}</strong> ${one.state.toLowerCase().replace('_', ' ')}</p>${one.body ? box(one.user, one.at, one.body) : ''}${threads(world, issue, one.id)}`,
      })),
  ].toSorted((a, b) => a.at - b.at)
  const labels = issue.labels.map((label) => `<span class="label">${escape(label)}</span>`).join(' ')
  const extra = issue.pull ? `${checks(world, issue)}${await diffOf(repo, issue)}` : deployments(world)
  return `<section><h1>${escape(issue.title)} <span class="hint">#${issue.number}</span></h1><p>${stateBadge(issue)} ${labels}</p>${box(issue.user, issue.createdAt, issue.body, reactions(world, `issue:${issue.number}`))}${timeline.map((one) => one.html).join('')}${extra}</section>`
}

function box(user: Account, at: string, body: string, after = ''): string {
  const bot = user.type === 'Bot' ? ' <span class="label">bot</span>' : ''
  return `<article class="box"><div class="who"><strong>${escape(user.login)}</strong>${bot} <time>${at.replace('T', ' ').replace('Z', '')}</time></div><div class="body">${markdown(body)}</div>${after}</article>`
}

function commentBox(world: World, comment: Comment): string {
  return box(
    comment.user,
    comment.createdAt,
    comment.body,
    reactions(world, `comment:${comment.id}`) +
      (comment.edits > 0 ? `<p class="hint edits">edited ${comment.edits} times</p>` : ''),
  )
}

function reactions(world: World, target: string): string {
  const names: Record<string, string> = { eyes: '👀', '+1': '👍', rocket: '🚀', confused: '😕' }
  const found = world.reactions.filter((one) => one.target === target)
  return found.length > 0
    ? `<p class="reactions">${found.map((one) => `<span>${names[one.content] ?? ''} 1</span>`).join('')}</p>`
    : ''
}

/** GitHub's Markdown, with its alerts. */
function markdown(text: string): string {
  const rendered = marked.parse(text, { async: false })
  return rendered.replace(
    /<blockquote>\s*<p>\[!(IMPORTANT|NOTE|WARNING)\]\s*/g,
    (_all, kind: string) =>
      `<blockquote class="alert"><p><span class="alert-title">${kind.charAt(0)}${kind.slice(1).toLowerCase()}</span><br>`,
  )
}

function threads(world: World, issue: Issue, review: number): string {
  const roots = world.reviewComments.filter(
    (one) => one.pull === issue.number && one.review === review && one.inReplyTo === undefined,
  )
  return roots
    .map((root) => {
      const replies = world.reviewComments.filter((one) => one.inReplyTo === root.id)
      return `<div class="thread"><p class="path">${escape(root.path)}:${root.line}</p>${[root, ...replies].map((one) => box(one.user, one.createdAt, one.body)).join('')}</div>`
    })
    .join('')
}

function checks(world: World, issue: Issue): string {
  const runs = world.checkRuns.filter(
    (one) => world.checkRuns.length > 0 && (one.headSha === issue.pull?.headSha || issue.pull !== undefined),
  )
  return runs
    .map(
      (run) =>
        `<details class="box check"><summary>${run.conclusion === 'success' ? '✅' : run.conclusion ? '❌' : '🟡'} <strong>${escape(run.name)}</strong> ${escape(run.title)} <span class="hint">${run.headSha.slice(0, 7)}</span></summary><div class="body">${markdown(`${run.summary}\n\n${run.text}`)}</div></details>`,
    )
    .join('')
}

function deployments(world: World): string {
  return world.deployments
    .map((one) => {
      const last = one.statuses.at(-1)
      return `<p class="event">🚀 Deployment of <code>${one.sha.slice(0, 7)}</code> to <strong>${escape(one.environment)}</strong>: ${escape(last?.state ?? 'pending')} ${last?.environmentUrl ? `<a href="${escape(last.environmentUrl)}">${escape(last.environmentUrl)}</a>` : ''}</p>`
    })
    .join('')
}

async function diffOf(repo: Repo, { pull }: Issue): Promise<string> {
  if (!pull) return ''
  const diff = await git(repo.dir, ['diff', `${pull.baseSha}...${pull.headSha}`]).catch(() => '')
  const lines = diff
    .split('\n')
    .map(
      (line) =>
        `<span class="${line.startsWith('+') ? 'add' : line.startsWith('-') ? 'del' : line.startsWith('@@') || line.startsWith('diff') ? 'meta' : ''}">${escape(line) || ' '}</span>`,
    )
  return `<h2>Files changed</h2><pre class="diff">${lines.join('')}</pre>`
}
