import type { Commit } from './git.ts'
import { type Json, BaseShapes } from './shapes-base.ts'
import {
  type IssueEvent,
  type CheckRun,
  type Comment,
  type Deployment,
  type DeploymentStatus,
  type Issue,
  nodeId,
  type Repo,
  type Status,
  type Review,
  type ReviewComment,
} from './world.ts'

/** What GitHub's REST API and webhooks show of the world: the shapes of its OpenAPI description. */
export class Shapes extends BaseShapes {
  label(name: string, repo: Repo): Json {
    return {
      id: 500 + name.length,
      node_id: nodeId('LA', name.length),
      url: `${this.repoUrl(repo)}/labels/${encodeURIComponent(name)}`,
      name,
      color: '0e8a16',
      default: false,
      description: null,
    }
  }

  issue(issue: Issue, repo: Repo): Json {
    const url = `${this.repoUrl(repo)}/issues/${issue.number}`
    const kind = issue.pull ? 'pull' : 'issues'
    return {
      id: issue.id,
      node_id: nodeId('I', issue.id),
      number: issue.number,
      url,
      repository_url: this.repoUrl(repo),
      labels_url: `${url}/labels{/name}`,
      comments_url: `${url}/comments`,
      events_url: `${url}/events`,
      html_url: `${this.html(repo)}/${kind}/${issue.number}`,
      title: issue.title,
      body: issue.body,
      user: this.user(issue.user),
      labels: issue.labels.map((label) => this.label(label, repo)),
      state: issue.state,
      locked: false,
      assignee: issue.assignees[0] ? this.user(issue.assignees[0]) : null,
      assignees: issue.assignees.map((one) => this.user(one)),
      milestone: null,
      comments: this.world.comments.filter((one) => one.issue === issue.number).length,
      created_at: issue.createdAt,
      updated_at: issue.updatedAt,
      closed_at: issue.closedAt,
      author_association: 'MEMBER',
      active_lock_reason: null,
      ...(issue.pull
        ? {
            pull_request: {
              url: `${this.repoUrl(repo)}/pulls/${issue.number}`,
              html_url: `${this.html(repo)}/pull/${issue.number}`,
              diff_url: `${this.html(repo)}/pull/${issue.number}.diff`,
              patch_url: `${this.html(repo)}/pull/${issue.number}.patch`,
              merged_at: issue.pull.merged?.at ?? null,
            },
          }
        : {}),
    }
  }

  issueEvent({ id, event, issue, actor, label, createdAt }: IssueEvent, repo: Repo): Json {
    const found = this.world.issues.find((one) => one.number === issue)
    return {
      id,
      node_id: nodeId('IE', id),
      url: `${this.repoUrl(repo)}/issues/events/${id}`,
      actor: this.user(actor),
      event,
      commit_id: null,
      commit_url: null,
      created_at: createdAt,
      ...(label === undefined ? {} : { label: { name: label, color: 'ededed' } }),
      ...(found ? { issue: this.issue(found, repo) } : {}),
    }
  }

  comment(comment: Comment, repo: Repo): Json {
    return {
      id: comment.id,
      node_id: nodeId('IC', comment.id),
      url: `${this.repoUrl(repo)}/issues/comments/${comment.id}`,
      html_url: `${this.html(repo)}/issues/${comment.issue}#issuecomment-${comment.id}`,
      issue_url: `${this.repoUrl(repo)}/issues/${comment.issue}`,
      user: this.user(comment.user),
      created_at: comment.createdAt,
      updated_at: comment.updatedAt,
      body: comment.body,
      author_association: 'MEMBER',
    }
  }

  pullSimple(issue: Issue, repo: Repo): Json {
    const { pull } = issue
    if (!pull) throw new Error(`#${issue.number} is no pull request`)
    const url = `${this.repoUrl(repo)}/pulls/${issue.number}`
    const html = `${this.html(repo)}/pull/${issue.number}`
    const links = {
      self: url,
      html,
      issue: `${this.repoUrl(repo)}/issues/${issue.number}`,
      comments: `${this.repoUrl(repo)}/issues/${issue.number}/comments`,
      review_comments: `${url}/comments`,
      review_comment: `${this.repoUrl(repo)}/pulls/comments{/number}`,
      commits: `${url}/commits`,
      statuses: `${this.repoUrl(repo)}/statuses/${pull.headSha}`,
    }
    const side = (ref: string, sha: string) => ({
      label: `${repo.owner.login}:${ref}`,
      ref,
      sha,
      user: this.user(repo.owner),
      repo: this.repo(repo),
    })
    return {
      id: pull.id,
      node_id: nodeId('PR', pull.id),
      number: issue.number,
      url,
      html_url: html,
      diff_url: `${html}.diff`,
      patch_url: `${html}.patch`,
      issue_url: links.issue,
      commits_url: links.commits,
      review_comments_url: links.review_comments,
      review_comment_url: links.review_comment,
      comments_url: links.comments,
      statuses_url: links.statuses,
      state: issue.state,
      locked: false,
      title: issue.title,
      user: this.user(issue.user),
      body: issue.body,
      labels: issue.labels.map((label) => this.label(label, repo)),
      milestone: null,
      created_at: issue.createdAt,
      updated_at: issue.updatedAt,
      closed_at: issue.closedAt,
      merged_at: pull.merged?.at ?? null,
      merge_commit_sha: pull.merged?.sha ?? null,
      assignee: null,
      assignees: [],
      requested_reviewers: pull.reviewers.map((one) => this.user(one)),
      requested_teams: [],
      head: {
        ...side(pull.head, pull.headSha),
        ...(pull.isFork ? { repo: { ...this.repo(repo), id: repo.id + 1, fork: true } } : {}),
      },
      base: side(pull.base, pull.baseSha),
      _links: Object.fromEntries(Object.entries(links).map(([name, href]) => [name, { href }])),
      author_association: 'CONTRIBUTOR',
      auto_merge: null,
      draft: pull.draft,
      active_lock_reason: null,
    }
  }

  pull(issue: Issue, repo: Repo, counts = { additions: 0, deletions: 0, changed_files: 0, commits: 1 }): Json {
    const merged = issue.pull?.merged
    const reviewComments = this.world.reviewComments.filter((one) => one.pull === issue.number).length
    return {
      ...this.pullSimple(issue, repo),
      ...counts,
      merged: merged !== undefined,
      mergeable: merged ? null : true,
      mergeable_state: issue.pull?.draft ? 'draft' : 'clean',
      rebaseable: null,
      merged_by: merged ? this.user(merged.by) : null,
      comments: this.world.comments.filter((one) => one.issue === issue.number).length,
      review_comments: reviewComments,
      maintainer_can_modify: false,
    }
  }

  commit({ sha, tree, parents, author, message }: Commit, repo: Repo): Json {
    const at = (one: string) => ({
      sha: one,
      url: `${this.repoUrl(repo)}/commits/${one}`,
      html_url: `${this.html(repo)}/commit/${one}`,
    })
    return {
      ...at(sha),
      node_id: `C_${sha}`,
      comments_url: `${this.repoUrl(repo)}/commits/${sha}/comments`,
      commit: {
        url: `${this.repoUrl(repo)}/git/commits/${sha}`,
        author,
        committer: author,
        message,
        comment_count: 0,
        tree: { sha: tree, url: `${this.repoUrl(repo)}/git/trees/${tree}` },
      },
      author: null,
      committer: null,
      parents: parents.map(at),
    }
  }

  review(review: Review, repo: Repo): Json {
    const html = `${this.html(repo)}/pull/${review.pull}#pullrequestreview-${review.id}`
    const pull = `${this.repoUrl(repo)}/pulls/${review.pull}`
    return {
      id: review.id,
      node_id: nodeId('PRR', review.id),
      user: this.user(review.user),
      body: review.body,
      state: review.state,
      html_url: html,
      pull_request_url: pull,
      author_association: 'MEMBER',
      _links: { html: { href: html }, pull_request: { href: pull } },
      submitted_at: review.at,
      commit_id: review.commitId,
    }
  }

  reviewComment(comment: ReviewComment, repo: Repo): Json {
    const url = `${this.repoUrl(repo)}/pulls/comments/${comment.id}`
    const html = `${this.html(repo)}/pull/${comment.pull}#discussion_r${comment.id}`
    const pull = `${this.repoUrl(repo)}/pulls/${comment.pull}`
    return {
      id: comment.id,
      node_id: nodeId('PRRC', comment.id),
      url,
      pull_request_review_id: comment.review,
      diff_hunk: '@@',
      path: comment.path,
      commit_id: comment.commitId,
      original_commit_id: comment.commitId,
      user: this.user(comment.user),
      body: comment.body,
      created_at: comment.createdAt,
      updated_at: comment.createdAt,
      html_url: html,
      pull_request_url: pull,
      author_association: 'MEMBER',
      _links: { self: { href: url }, html: { href: html }, pull_request: { href: pull } },
      line: comment.line,
      original_line: comment.line,
      side: 'RIGHT',
      start_line: null,
      original_start_line: null,
      start_side: null,
      ...(comment.inReplyTo === undefined ? {} : { in_reply_to_id: comment.inReplyTo }),
    }
  }

  checkRun(run: CheckRun, repo: Repo): Json {
    const url = `${this.repoUrl(repo)}/check-runs/${run.id}`
    return {
      id: run.id,
      node_id: nodeId('CR', run.id),
      head_sha: run.headSha,
      name: run.name,
      external_id: run.externalId,
      url,
      html_url: `${this.html(repo)}/runs/${run.id}`,
      details_url: run.detailsUrl,
      status: run.status,
      conclusion: run.conclusion,
      started_at: run.startedAt,
      completed_at: run.completedAt,
      check_suite: { id: 900 },
      app: this.app(),
      pull_requests: [],
      output: {
        title: run.title || null,
        summary: run.summary || null,
        text: run.text || null,
        annotations_count: run.annotations.length,
        annotations_url: `${url}/annotations`,
      },
    }
  }

  status(status: Status, repo: Repo): Json {
    return {
      url: `${this.repoUrl(repo)}/statuses/${status.sha}`,
      avatar_url: null,
      id: status.id,
      node_id: nodeId('SC', status.id),
      state: status.state,
      description: status.description,
      target_url: 'https://ci.example/build',
      context: status.context,
      created_at: status.at,
      updated_at: status.at,
      creator: this.user(this.world.bot),
    }
  }

  deployment(deployment: Deployment, repo: Repo): Json {
    const url = `${this.repoUrl(repo)}/deployments/${deployment.id}`
    return {
      id: deployment.id,
      node_id: nodeId('DE', deployment.id),
      url,
      sha: deployment.sha,
      ref: deployment.ref,
      task: deployment.task,
      payload: deployment.payload,
      original_environment: deployment.environment,
      environment: deployment.environment,
      description: deployment.description,
      creator: this.user(deployment.creator ?? this.world.bot),
      created_at: deployment.createdAt,
      updated_at: deployment.statuses.at(-1)?.createdAt ?? deployment.createdAt,
      statuses_url: `${url}/statuses`,
      repository_url: this.repoUrl(repo),
      transient_environment: false,
      production_environment: true,
    }
  }

  deploymentStatus(status: DeploymentStatus, deployment: Deployment, repo: Repo): Json {
    const url = `${this.repoUrl(repo)}/deployments/${deployment.id}`
    return {
      id: status.id,
      node_id: nodeId('DES', status.id),
      url: `${url}/statuses/${status.id}`,
      state: status.state,
      creator: this.user(this.world.bot),
      description: status.description,
      environment: deployment.environment,
      target_url: status.logUrl,
      log_url: status.logUrl,
      ...(status.environmentUrl ? { environment_url: status.environmentUrl } : {}),
      created_at: status.createdAt,
      updated_at: status.createdAt,
      deployment_url: url,
      repository_url: this.repoUrl(repo),
    }
  }
}
