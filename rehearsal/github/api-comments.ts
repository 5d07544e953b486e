import { type Answer, type Call, created, ISSUES, issueOf, ok, paged, read, repoOf, type Route, Text } from './api.ts'
import { Refusal } from './auth.ts'
import { now, type World } from './world.ts'

/** Comments on issues and pull requests, the oldest first. */
export const COMMENT_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/issues/comments',
    handle: (call) => {
      const repo = repoOf(call, ISSUES, 'read')
      return paged(commentsSince(call), call, (one) => call.shapes.comment(one, repo))
    },
  },
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/issues/{issue_number}/comments',
    handle: (call) => {
      const repo = repoOf(call, ISSUES, 'read')
      const { number } = issueOf(call.world, call.params['issue_number'])
      const found = commentsSince(call).filter((one) => one.issue === number)
      return paged(found, call, (one) => call.shapes.comment(one, repo))
    },
  },
  {
    method: 'PATCH',
    path: '/repos/{owner}/{repo}/issues/comments/{comment_id}',
    handle: (call) => {
      const repo = repoOf(call, ISSUES, 'write')
      const comment = call.world.comments.find((one) => one.id === Number(call.params['comment_id']))
      if (!comment) throw new Refusal(404, 'Not Found')
      comment.body = read(Text, call.body).body
      comment.updatedAt = now()
      comment.edits++
      call.world.note(call.world.bot, 'edited', `#${comment.issue}`, comment.body)
      return ok(call.shapes.comment(comment, repo))
    },
  },
  {
    method: 'DELETE',
    path: '/repos/{owner}/{repo}/issues/comments/{comment_id}',
    handle: (call) => {
      repoOf(call, ISSUES, 'write')
      const at = call.world.comments.findIndex((one) => one.id === Number(call.params['comment_id']))
      if (at < 0) throw new Refusal(404, 'Not Found')
      call.world.comments.splice(at, 1)
      return { status: 204, body: undefined }
    },
  },
  { method: 'POST', path: '/repos/{owner}/{repo}/issues/{issue_number}/comments', handle: postComment },
]

/** The oldest first. */
function commentsSince({ world, query }: Call): World['comments'] {
  const since = Date.parse(query.get('since') ?? '1970-01-01T00:00:00Z')
  return world.comments.filter((one) => Date.parse(one.updatedAt) >= since)
}

function postComment(call: Call): Answer {
  const repo = repoOf(call, ISSUES, 'write')
  const issue = issueOf(call.world, call.params['issue_number'])
  const { body } = read(Text, call.body)
  const comment = {
    id: call.world.id(),
    issue: issue.number,
    user: call.world.bot,
    body,
    createdAt: now(),
    updatedAt: now(),
    edits: 0,
  }
  call.world.comments.push(comment)
  call.world.note(call.world.bot, 'commented', `#${issue.number}`, body)
  void call.hooks.emit('issue_comment', 'created', repo, call.world.bot, {
    issue: call.shapes.issue(issue, repo),
    comment: call.shapes.comment(comment, repo),
  })
  return created(call.shapes.comment(comment, repo))
}
