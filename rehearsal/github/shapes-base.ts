import { type Account, nodeId, now, type Reaction, type Repo, type World } from './world.ts'

export type Json = Record<string, unknown>

/** What GitHub shows of accounts, repositories and apps. */
export class BaseShapes {
  protected readonly world: World
  constructor(world: World) {
    this.world = world
  }

  protected get api(): string {
    return `${this.world.url}/api/v3`
  }

  user(account: Account): Json {
    const url = `${this.api}/users/${encodeURIComponent(account.login)}`
    const under = (name: string) => `${url}/${name}`
    return {
      login: account.login,
      id: account.id,
      node_id: nodeId('U', account.id),
      avatar_url: `${this.world.url}/avatars/${account.id}`,
      gravatar_id: '',
      url,
      html_url: `${this.world.url}/${encodeURIComponent(account.login.replace('[bot]', ''))}`,
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
    const url = `${this.api}/repos/${full}`
    const html = `${this.world.url}/${full}`
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

  protected repoUrl(repo: Repo): string {
    return `${this.api}/repos/${repo.owner.login}/${repo.name}`
  }

  protected html(repo: Repo): string {
    return `${this.world.url}/${repo.owner.login}/${repo.name}`
  }

  app(): Json {
    const { id, slug, name } = this.world.app
    const owner = this.world.repos[0]?.owner ?? this.world.bot
    return {
      id,
      slug,
      node_id: nodeId('A', id),
      owner: this.user(owner),
      name,
      description: null,
      external_url: `${this.world.url}/apps/${slug}`,
      html_url: `${this.world.url}/apps/${slug}`,
      created_at: '2026-01-01T00:00:00Z',
      updated_at: '2026-01-01T00:00:00Z',
      permissions: this.world.permissions,
      events: this.world.events,
    }
  }

  installation(repo: Repo): Json {
    const id = this.world.installationId
    const url = `${this.api}/app/installations/${id}`
    return {
      id,
      account: this.user(repo.owner),
      repository_selection: 'selected',
      access_tokens_url: `${url}/access_tokens`,
      repositories_url: `${this.api}/installation/repositories`,
      html_url: `${this.world.url}/settings/installations/${id}`,
      app_id: this.world.app.id,
      app_slug: this.world.app.slug,
      target_id: repo.owner.id,
      target_type: repo.owner.type,
      permissions: this.world.permissions,
      events: this.world.events,
      created_at: now(),
      updated_at: now(),
      single_file_name: null,
      suspended_by: null,
      suspended_at: null,
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
    const url = `${this.repoUrl(repo)}/contents/${path}?ref=${repo.defaultBranch}`
    const git = `${this.repoUrl(repo)}/git/blobs/${sha}`
    const html = `${this.html(repo)}/blob/${repo.defaultBranch}/${path}`
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
