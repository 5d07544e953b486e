import { z } from 'zod'
import { type Answer, type Call, MAX_BODY, ok, paged, PULLS, pullOf, read, repoOf, type Route } from './api.ts'
import { Refusal } from './auth.ts'
import { git, shaOf } from './git.ts'
import { shownIn } from '../../src/core/review/hunks.ts'
import { now, type Review } from './world.ts'

/** Reviews of pull requests, as the app writes them. */
export const REVIEW_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/pulls/{pull_number}/reviews',
    handle: (call) => {
      const repo = repoOf(call, PULLS, 'read')
      const { number } = pullOf(call.world, call.params['pull_number'])
      const found = call.world.reviews.filter((one) => one.pull === number)
      return paged(found, call, (one) => call.shapes.review(one, repo))
    },
  },
  { method: 'POST', path: '/repos/{owner}/{repo}/pulls/{pull_number}/reviews', handle: postReview },
]

const NewReview = z.object({
  /** The pull request's head where none is named. */
  commit_id: z.string().optional(),
  event: z.enum(['COMMENT', 'APPROVE', 'REQUEST_CHANGES']),
  body: z.string().max(MAX_BODY).default(''),
  comments: z
    .array(
      z.object({
        path: z.string(),
        line: z.int().min(1),
        side: z.literal('RIGHT'),
        start_line: z.int().min(1).optional(),
        start_side: z.literal('RIGHT').optional(),
        body: z.string().min(1).max(MAX_BODY),
      }),
    )
    .default([]),
})
const STATES = { COMMENT: 'COMMENTED', APPROVE: 'APPROVED', REQUEST_CHANGES: 'CHANGES_REQUESTED' } as const

/** As on GitHub, a remark stands on lines of the diff, or the whole review is refused. */
async function postReview(call: Call): Promise<Answer> {
  const { world, hooks, shapes } = call
  const repo = repoOf(call, PULLS, 'write')
  const issue = pullOf(world, call.params['pull_number'])
  const input = read(NewReview, call.body)
  const { baseSha, headSha } = issue.pull
  const commitId = input.commit_id ?? headSha
  if (!(await shaOf(repo.dir, commitId))) throw new Refusal(422, 'Unprocessable Entity: Commit could not be found')
  const shown = shownIn(await git(repo.dir, ['diff', '-M', '-U3', `${baseSha}...${commitId}`]))
  for (const { path, line, start_line: start = line } of input.comments)
    if (!shown.get(path)?.hunks.some(({ from, to }) => from <= start && line <= to))
      throw new Refusal(422, 'Unprocessable Entity: Line could not be resolved')
  const review: Review = {
    id: world.id(),
    pull: issue.number,
    user: world.bot,
    body: input.body,
    state: STATES[input.event],
    commitId,
    at: now(),
  }
  world.reviews.push(review)
  for (const { path, line, body } of input.comments)
    world.reviewComments.push({
      id: world.id(),
      pull: issue.number,
      review: review.id,
      user: world.bot,
      body,
      path,
      line,
      commitId,
      inReplyTo: undefined,
      createdAt: now(),
    })
  const lines = input.comments.map(({ path, line, body }) => `${path}:${line}: ${body}`)
  world.note(world.bot, 'reviewed', `#${issue.number}`, [input.body, ...lines].join('\n'))
  void hooks.emit('pull_request_review', 'submitted', repo, world.bot, {
    review: { ...shapes.review(review, repo), state: review.state.toLowerCase() },
    pull_request: shapes.pullSimple(issue, repo),
  })
  return ok(shapes.review(review, repo))
}
