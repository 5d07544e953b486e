import {
  type Account,
  type CheckRun,
  type Comment,
  type Deployment,
  type DeploymentStatus,
  type Issue,
  nodeId,
  now,
  type Reaction,
  type Repo,
  type Review,
  type ReviewComment,
  type World,
} from './world.ts'

/** What GitHub's REST API and webhooks show of the world: the shapes of its OpenAPI description. */

type Json = Record<string, unknown>

export class Shapes {
  readonly #world: World
  constructor(world: World) {
    this.#world = world
  }

  get #api(): string {
    return `${this.#world.url}/api/v3`
  }

  user(account: Account): Json {
    const url = `${this.#api}/users/${encodeURIComponent(account.login)}`
    const under = (name: string) => `${url}/${name}`
    return {
      login: account.login,
      id: account.id,
      node_id: nodeId('U', account.id),
      avatar_url: `${this.#world.url}/avatars/${account.id}`,
      gravatar_id: '',
      url,
      html_url: `${this.#world.url}/${encodeURIComponent(account.login.replace('[bot]', ''))}`,
      followers_url: under('followers'),
      following_url: under('following{/other_user}'),
      gists_url: under('gists{/gist_id}'),
      starred_url: under('starred{/owner}{/repo}'),
      subscriptions_url: under('subscriptions'),
      organizations_url: under('orgs'),
      repos_url: under('repos'),
      events_url: under('events{/privacy}'),
      received_events_url: under('received_events'),
      type: account.type,
      site_admin: false,
    }
  }

  publicUser(account: Account): Json {
    const none = { bio: null, blog: null, company: null, email: null, hireable: null, location: null, name: null }
    return {
      ...this.user(account),
      ...none,
      followers: 0,
      following: 0,
      public_gists: 0,
      public_repos: 0,
      created_at: '2026-01-01T00:00:00Z',
      updated_at: '2026-01-01T00:00:00Z',
    }
  }

  repo(repo: Repo): Json {
    const full = `${repo.owner.login}/${repo.name}`
    const url = `${this.#api}/repos/${full}`
    const html = `${this.#world.url}/${full}`
    return {
      id: repo.id,
      node_id: nodeId('R', repo.id),
      name: repo.name,
      full_name: full,
      private: true,
      owner: this.user(repo.owner),
      html_url: html,
      description: null,
      fork: false,
      url,
      ...Object.fromEntries(REPO_LINKS.map(([name, path]) => [name, `${url}/${path}`])),
      git_url: `git://${html.replace(/^https?:\/\//, '')}.git`,
      ssh_url: `git@localhost:${full}.git`,
      clone_url: `${html}.git`,
      svn_url: html,
      homepage: null,
      language: 'TypeScript',
      forks: 0,
      forks_count: 0,
      stargazers_count: 0,
      watchers: 1,
      watchers_count: 1,
      size: 12,
      default_branch: repo.defaultBranch,
      open_issues: 1,
      open_issues_count: 1,
      topics: [],
      has_issues: true,
      has_projects: false,
      has_wiki: false,
      has_pages: false,
      has_downloads: false,
      has_discussions: false,
      archived: false,
      disabled: false,
      visibility: 'private',
      license: null,
      mirror_url: null,
      pushed_at: repo.createdAt,
      created_at: repo.createdAt,
      updated_at: repo.createdAt,
    }
  }

  fullRepo(repo: Repo): Json {
    return { ...this.repo(repo), network_count: 0, subscribers_count: 1 }
  }

  #repoUrl(repo: Repo): string {
    return `${this.#api}/repos/${repo.owner.login}/${repo.name}`
  }

  #html(repo: Repo): string {
    return `${this.#world.url}/${repo.owner.login}/${repo.name}`
  }

  #label(name: string, repo: Repo): Json {
    return {
      id: 500 + name.length,
      node_id: nodeId('LA', name.length),
      url: `${this.#repoUrl(repo)}/labels/${encodeURIComponent(name)}`,
      name,
      color: '0e8a16',
      default: false,
      description: null,
    }
  }

  issue(issue: Issue, repo: Repo): Json {
    const url = `${this.#repoUrl(repo)}/issues/${issue.number}`
    const kind = issue.pull ? 'pull' : 'issues'
    return {
      id: issue.id,
      node_id: nodeId('I', issue.id),
      number: issue.number,
      url,
      repository_url: this.#repoUrl(repo),
      labels_url: `${url}/labels{/name}`,
      comments_url: `${url}/comments`,
      events_url: `${url}/events`,
      html_url: `${this.#html(repo)}/${kind}/${issue.number}`,
      title: issue.title,
      body: issue.body,
      user: this.user(issue.user),
      labels: issue.labels.map((label) => this.#label(label, repo)),
      state: issue.state,
      locked: false,
      assignee: issue.assignees[0] ? this.user(issue.assignees[0]) : null,
      assignees: issue.assignees.map((one) => this.user(one)),
      milestone: null,
      comments: this.#world.comments.filter((one) => one.issue === issue.number).length,
      created_at: issue.createdAt,
      updated_at: issue.updatedAt,
      closed_at: issue.closedAt,
      author_association: 'MEMBER',
      active_lock_reason: null,
      ...(issue.pull
        ? {
            pull_request: {
              url: `${this.#repoUrl(repo)}/pulls/${issue.number}`,
              html_url: `${this.#html(repo)}/pull/${issue.number}`,
              diff_url: `${this.#html(repo)}/pull/${issue.number}.diff`,
              patch_url: `${this.#html(repo)}/pull/${issue.number}.patch`,
              merged_at: issue.pull.merged?.at ?? null,
            },
          }
        : {}),
    }
  }

  comment(comment: Comment, repo: Repo): Json {
    return {
      id: comment.id,
      node_id: nodeId('IC', comment.id),
      url: `${this.#repoUrl(repo)}/issues/comments/${comment.id}`,
      html_url: `${this.#html(repo)}/issues/${comment.issue}#issuecomment-${comment.id}`,
      issue_url: `${this.#repoUrl(repo)}/issues/${comment.issue}`,
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
    const url = `${this.#repoUrl(repo)}/pulls/${issue.number}`
    const html = `${this.#html(repo)}/pull/${issue.number}`
    const links = {
      self: url,
      html,
      issue: `${this.#repoUrl(repo)}/issues/${issue.number}`,
      comments: `${this.#repoUrl(repo)}/issues/${issue.number}/comments`,
      review_comments: `${url}/comments`,
      review_comment: `${this.#repoUrl(repo)}/pulls/comments{/number}`,
      commits: `${url}/commits`,
      statuses: `${this.#repoUrl(repo)}/statuses/${pull.headSha}`,
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
      labels: issue.labels.map((label) => this.#label(label, repo)),
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
      head: side(pull.head, pull.headSha),
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
    const reviewComments = this.#world.reviewComments.filter((one) => one.pull === issue.number).length
    return {
      ...this.pullSimple(issue, repo),
      ...counts,
      merged: merged !== undefined,
      mergeable: merged ? null : true,
      mergeable_state: issue.pull?.draft ? 'draft' : 'clean',
      rebaseable: null,
      merged_by: merged ? this.user(merged.by) : null,
      comments: this.#world.comments.filter((one) => one.issue === issue.number).length,
      review_comments: reviewComments,
      maintainer_can_modify: false,
    }
  }

  review(review: Review, repo: Repo): Json {
    const html = `${this.#html(repo)}/pull/${review.pull}#pullrequestreview-${review.id}`
    const pull = `${this.#repoUrl(repo)}/pulls/${review.pull}`
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
    const url = `${this.#repoUrl(repo)}/pulls/comments/${comment.id}`
    const html = `${this.#html(repo)}/pull/${comment.pull}#discussion_r${comment.id}`
    const pull = `${this.#repoUrl(repo)}/pulls/${comment.pull}`
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
    const url = `${this.#repoUrl(repo)}/check-runs/${run.id}`
    return {
      id: run.id,
      node_id: nodeId('CR', run.id),
      head_sha: run.headSha,
      name: run.name,
      external_id: run.externalId,
      url,
      html_url: `${this.#html(repo)}/runs/${run.id}`,
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

  app(): Json {
    const { id, slug, name } = this.#world.app
    const owner = this.#world.repos[0]?.owner ?? this.#world.bot
    return {
      id,
      slug,
      node_id: nodeId('A', id),
      owner: this.user(owner),
      name,
      description: null,
      external_url: `${this.#world.url}/apps/${slug}`,
      html_url: `${this.#world.url}/apps/${slug}`,
      created_at: '2026-01-01T00:00:00Z',
      updated_at: '2026-01-01T00:00:00Z',
      permissions: this.#world.permissions,
      events: this.#world.events,
    }
  }

  installation(repo: Repo): Json {
    const id = this.#world.installationId
    const url = `${this.#api}/app/installations/${id}`
    return {
      id,
      account: this.user(repo.owner),
      repository_selection: 'selected',
      access_tokens_url: `${url}/access_tokens`,
      repositories_url: `${this.#api}/installation/repositories`,
      html_url: `${this.#world.url}/settings/installations/${id}`,
      app_id: this.#world.app.id,
      app_slug: this.#world.app.slug,
      target_id: repo.owner.id,
      target_type: repo.owner.type,
      permissions: this.#world.permissions,
      events: this.#world.events,
      created_at: now(),
      updated_at: now(),
      single_file_name: null,
      suspended_by: null,
      suspended_at: null,
    }
  }

  deployment(deployment: Deployment, repo: Repo): Json {
    const url = `${this.#repoUrl(repo)}/deployments/${deployment.id}`
    return {
      id: deployment.id,
      node_id: nodeId('DE', deployment.id),
      url,
      sha: deployment.sha,
      ref: deployment.ref,
      task: 'deploy',
      payload: deployment.payload,
      original_environment: deployment.environment,
      environment: deployment.environment,
      description: deployment.description,
      creator: this.user(this.#world.bot),
      created_at: deployment.createdAt,
      updated_at: deployment.createdAt,
      statuses_url: `${url}/statuses`,
      repository_url: this.#repoUrl(repo),
      transient_environment: false,
      production_environment: true,
    }
  }

  deploymentStatus(status: DeploymentStatus, deployment: Deployment, repo: Repo): Json {
    const url = `${this.#repoUrl(repo)}/deployments/${deployment.id}`
    return {
      id: status.id,
      node_id: nodeId('DES', status.id),
      url: `${url}/statuses/${status.id}`,
      state: status.state,
      creator: this.user(this.#world.bot),
      description: status.description,
      environment: deployment.environment,
      target_url: status.logUrl,
      log_url: status.logUrl,
      ...(status.environmentUrl ? { environment_url: status.environmentUrl } : {}),
      created_at: status.createdAt,
      updated_at: status.createdAt,
      deployment_url: url,
      repository_url: this.#repoUrl(repo),
    }
  }

  reaction(reaction: Reaction): Json {
    return {
      id: reaction.id,
      node_id: nodeId('REA', reaction.id),
      user: this.user(reaction.user),
      content: reaction.content,
      created_at: reaction.createdAt,
    }
  }

  contentFile(repo: Repo, path: string, sha: string, content: Buffer): Json {
    const url = `${this.#repoUrl(repo)}/contents/${path}?ref=${repo.defaultBranch}`
    const git = `${this.#repoUrl(repo)}/git/blobs/${sha}`
    const html = `${this.#html(repo)}/blob/${repo.defaultBranch}/${path}`
    return {
      name: path.split('/').at(-1),
      path,
      sha,
      size: content.length,
      url,
      html_url: html,
      git_url: git,
      download_url: `${html}?raw=1`,
      type: 'file',
      content: content.toString('base64'),
      encoding: 'base64',
      _links: { self: url, git, html },
    }
  }
}

const REPO_LINKS: readonly (readonly [string, string])[] = [
  ['archive_url', '{archive_format}{/ref}'],
  ['assignees_url', 'assignees{/user}'],
  ['blobs_url', 'git/blobs{/sha}'],
  ['branches_url', 'branches{/branch}'],
  ['collaborators_url', 'collaborators{/collaborator}'],
  ['comments_url', 'comments{/number}'],
  ['commits_url', 'commits{/sha}'],
  ['compare_url', 'compare/{base}...{head}'],
  ['contents_url', 'contents/{+path}'],
  ['contributors_url', 'contributors'],
  ['deployments_url', 'deployments'],
  ['downloads_url', 'downloads'],
  ['events_url', 'events'],
  ['forks_url', 'forks'],
  ['git_commits_url', 'git/commits{/sha}'],
  ['git_refs_url', 'git/refs{/sha}'],
  ['git_tags_url', 'git/tags{/sha}'],
  ['hooks_url', 'hooks'],
  ['issue_comment_url', 'issues/comments{/number}'],
  ['issue_events_url', 'issues/events{/number}'],
  ['issues_url', 'issues{/number}'],
  ['keys_url', 'keys{/key_id}'],
  ['labels_url', 'labels{/name}'],
  ['languages_url', 'languages'],
  ['merges_url', 'merges'],
  ['milestones_url', 'milestones{/number}'],
  ['notifications_url', 'notifications{?since,all,participating}'],
  ['pulls_url', 'pulls{/number}'],
  ['releases_url', 'releases{/id}'],
  ['stargazers_url', 'stargazers'],
  ['statuses_url', 'statuses/{sha}'],
  ['subscribers_url', 'subscribers'],
  ['subscription_url', 'subscription'],
  ['tags_url', 'tags'],
  ['teams_url', 'teams'],
  ['trees_url', 'git/trees{/sha}'],
]
