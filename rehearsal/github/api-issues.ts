import { z } from 'zod'
import { type Answer, type Call, read, repoOf, type Route } from './api.ts'
import { Refusal } from './auth.ts'

const NewLabel = z.object({
  name: z.string().min(1).max(50),
  color: z.string().optional(),
  description: z.string().max(100).optional(),
})
const NewIssue = z.object({ title: z.string().min(1).max(256), body: z.string().max(65_536).optional() })

/** Issues that an app lists and opens. */
export const OPENING_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/issues',
    handle: (call) => {
      const repo = repoOf(call, ['issues'], 'read')
      const creator = call.query.get('creator')
      const found = call.world.issues.filter((one) => creator === null || one.user.login === creator)
      const size = Math.min(100, Number(call.query.get('per_page') ?? 30))
      return {
        status: 200,
        body: found
          .toReversed()
          .slice(0, size)
          .map((one) => call.shapes.issue(one, repo)),
      }
    },
  },
  { method: 'POST', path: '/repos/{owner}/{repo}/issues', handle: openIssue },
  { method: 'POST', path: '/repos/{owner}/{repo}/labels', handle: createLabel },
]

function createLabel(call: Call): Answer {
  const repo = repoOf(call, ['issues'], 'write')
  const { name } = read(NewLabel, call.body)
  const { world, shapes } = call
  const key = `${repo.owner.login}/${repo.name} ${name.toLowerCase()}`
  if (world.labels.has(key)) throw new Refusal(422, 'Validation Failed')
  world.labels.add(key)
  world.note(world.bot, 'made the label', repo.name, name)
  return { status: 201, body: shapes.label(name, repo) }
}

function openIssue(call: Call): Answer {
  const repo = repoOf(call, ['issues'], 'write')
  const { title, body = '' } = read(NewIssue, call.body)
  const { world, shapes } = call
  const issue = world.addIssue(world.bot, title, body)
  world.note(world.bot, 'opened the issue', `#${issue.number}`, `${title}\n\n${body}`)
  void call.hooks.emit('issues', 'opened', repo, world.bot, { issue: shapes.issue(issue, repo) })
  return { status: 201, body: shapes.issue(issue, repo) }
}
