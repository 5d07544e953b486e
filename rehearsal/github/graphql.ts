import { z } from 'zod'
import { type Caller, Refusal, require } from './auth.ts'
import type { Hooks } from './hooks.ts'
import { Shapes } from './shapes.ts'
import { nodeId, type World } from './world.ts'

const Request = z.object({ query: z.string(), variables: z.record(z.string(), z.unknown()).default({}) })

/** The few mutations that have no REST route: taking a pull request out of draft. */
export function graphql(world: World, hooks: Hooks, caller: Caller, body: unknown): unknown {
  const { query, variables } = Request.parse(body)
  if (!/markPullRequestReadyForReview/.test(query))
    return { data: null, errors: [{ type: 'NOT_FOUND', message: 'The rehearsal does not know this operation.' }] }
  const issue = world.issues.find((one) => one.pull && nodeId('PR', one.pull.id) === variables['id'])
  const repo = world.repos[0]
  if (!issue?.pull || !repo)
    return {
      data: null,
      errors: [
        {
          type: 'NOT_FOUND',
          message: `Could not resolve to a node with the global id of '${String(variables['id'])}'`,
        },
      ],
    }
  try {
    require(caller, ['pull_requests'], 'write', repo.id)
    require(caller, ['contents'], 'write', repo.id)
  } catch (error) {
    if (error instanceof Refusal) return { data: null, errors: [{ type: 'FORBIDDEN', message: error.message }] }
    throw error
  }
  if (issue.pull.draft) {
    issue.pull.draft = false
    world.note(world.bot, 'marked as ready for review', `#${issue.number}`, issue.title)
    void hooks.emit('pull_request', 'ready_for_review', repo, world.bot, {
      number: issue.number,
      pull_request: new Shapes(world).pull(issue, repo),
    })
  }
  return { data: { markPullRequestReadyForReview: { pullRequest: { id: variables['id'], isDraft: false } } } }
}
