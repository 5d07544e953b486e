import { createHash, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'

/** The state of the rehearsal's GitHub: plain data, changed by API calls and by the people who play along. */

export type Level = 'admin' | 'maintain' | 'write' | 'triage' | 'read' | 'none'

export interface Account {
  readonly id: number
  readonly login: string
  readonly type: 'User' | 'Bot' | 'Organization'
}

export interface Repo {
  readonly id: number
  readonly owner: Account
  readonly name: string
  readonly dir: string
  readonly defaultBranch: string
  readonly createdAt: string
  /** Permission by account id. */
  readonly people: Map<number, Level>
}

export interface Comment {
  readonly id: number
  readonly issue: number
  readonly user: Account
  body: string
  readonly createdAt: string
  updatedAt: string
  edits: number
}

export interface Issue {
  readonly id: number
  readonly number: number
  readonly user: Account
  title: string
  body: string
  labels: string[]
  assignees: Account[]
  state: 'open' | 'closed'
  readonly createdAt: string
  updatedAt: string
  closedAt: string | null
  pull: Pull | undefined
}

export interface Pull {
  readonly id: number
  readonly head: string
  readonly base: string
  headSha: string
  baseSha: string
  draft: boolean
  /** Its branch is in a copy of somebody else's. */
  readonly isFork?: boolean | undefined
  merged: { sha: string; by: Account; at: string } | undefined
  reviewers: Account[]
}

export interface Review {
  readonly id: number
  readonly pull: number
  readonly user: Account
  readonly body: string
  readonly state: 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED'
  readonly commitId: string
  readonly at: string
}

export interface ReviewComment {
  readonly id: number
  readonly pull: number
  readonly review: number
  readonly user: Account
  body: string
  readonly path: string
  readonly line: number
  readonly commitId: string
  readonly inReplyTo: number | undefined
  readonly createdAt: string
}

export interface CheckRun {
  readonly id: number
  readonly name: string
  readonly headSha: string
  readonly externalId: string
  detailsUrl: string
  status: 'queued' | 'in_progress' | 'completed'
  conclusion: string | null
  title: string
  summary: string
  text: string
  annotations: unknown[]
  /** Of a job of GitHub Actions. */
  readonly log?: string | undefined
  isRunning?: boolean | undefined
  readonly startedAt: string
  completedAt: string | null
}

/** What some other system says of a commit. */
export interface Status {
  readonly id: number
  readonly sha: string
  readonly state: 'success' | 'failure' | 'error' | 'pending'
  readonly context: string
  readonly description: string
  readonly at: string
}

export interface WorkflowRun {
  readonly id: number
  readonly workflow: string
  readonly title: string
  conclusion: 'success' | 'failure' | 'cancelled' | undefined
  readonly createdAt: string
  /** Of one that a push has begun. */
  readonly headSha?: string | undefined
}

/** A job of a workflow with an environment, at which it waits until the app lets it go on. */
export interface WaitingJob {
  readonly id: number
  readonly run: WorkflowRun
  readonly repo: Repo
  readonly sha: string
  readonly environment: string
  readonly play: (sha: string) => Promise<'success' | 'failure'>
  isWaiting: boolean
  deployment: Deployment | undefined
  /** It comes to its environment. */
  waits(): Promise<void>
}

export interface Deployment {
  readonly id: number
  readonly sha: string
  readonly ref: string
  readonly environment: string
  /** `deploy` where nothing is said. */
  readonly task: string
  readonly description: string
  readonly payload: unknown
  readonly createdAt: string
  /** The app, where nothing is said. */
  readonly creator?: Account | undefined
  readonly statuses: DeploymentStatus[]
}

export interface DeploymentStatus {
  readonly id: number
  readonly state: string
  readonly description: string
  readonly logUrl: string
  readonly environmentUrl: string
  readonly createdAt: string
}

/** What an issue's timeline tells of labels, merges and closings. */
export interface IssueEvent {
  readonly id: number
  readonly event: 'labeled' | 'merged' | 'closed'
  readonly issue: number
  readonly actor: Account
  readonly label: string | undefined
  readonly createdAt: string
}

export interface Reaction {
  readonly id: number
  readonly target: string
  readonly user: Account
  readonly content: string
  readonly createdAt: string
}

export interface Delivery {
  readonly id: number
  readonly guid: string
  readonly event: string
  readonly action: string | null
  readonly body: string
  readonly repositoryId: number
  readonly deliveredAt: string
  readonly redelivery: boolean
  statusCode: number
  seconds: number
}

export interface Token {
  readonly value: string
  readonly permissions: Readonly<Record<string, 'read' | 'write'>>
  readonly repositoryIds: readonly number[] | undefined
  readonly expiresAt: number
}

/** Something that was changed from outside, in the order it happened. */
export interface Entry {
  readonly at: number
  readonly who: string
  readonly what: string
  readonly where: string
  readonly text: string
}

/** One repository with an app installed on it, and everything that happened there. */
export class World {
  readonly app: {
    readonly id: number
    readonly slug: string
    readonly name: string
    readonly publicKey: string
    readonly privateKey: string
    readonly webhookSecret: string
    readonly clientId: string
    readonly clientSecret: string
    webhookUrl: string
  }
  readonly installationId = 7001
  /** What addresses of the storage of large files carry. */
  readonly lfsSignature = randomUUID()
  /** The labels that the repositories know, as `owner/name label`. */
  readonly labels = new Set<string>()
  readonly bot: Account
  readonly accounts = new Map<string, Account>()
  readonly repos: Repo[] = []
  /** Who belongs to a team, as `org/team`, by account id. */
  readonly teams = new Map<string, ReadonlySet<number>>()
  readonly issues: Issue[] = []
  readonly comments: Comment[] = []
  readonly reviews: Review[] = []
  readonly reviewComments: ReviewComment[] = []
  readonly checkRuns: CheckRun[] = []
  readonly statuses: Status[] = []
  /** The jobs whose logs stand at addresses, and those that were run once more. */
  readonly logs = new Map<string, number>()
  readonly reruns: number[] = []
  /** What workflows do that somebody starts, by `owner/name/file`: played by whoever sets them up. */
  readonly workflows = new Map<string, (inputs: Readonly<Record<string, string>>) => Promise<'success' | 'failure'>>()
  readonly workflowRuns: WorkflowRun[] = []
  readonly waiting: WaitingJob[] = []
  /** As Enterprise servers before 3.20: whoever starts one is not told its number. */
  tellsNoRuns = false
  readonly deployments: Deployment[] = []
  /** What people attached, and what the addresses of it carry. */
  readonly attachments = new Map<string, Buffer>()
  readonly attachmentsSigned = randomUUID()
  readonly reactions: Reaction[] = []
  readonly issueEvents: IssueEvent[] = []
  readonly deliveries: Delivery[] = []
  readonly tokens = new Map<string, Token>()
  readonly ledger: Entry[] = []
  /** What the installation has granted. */
  permissions: Readonly<Record<string, 'read' | 'write'>>
  readonly events: readonly string[]
  /** Where this GitHub answers; set once it listens. */
  url = ''
  #nextId = 1000
  readonly #listeners = new Set<(entry: Entry) => void>()

  constructor(app: {
    slug: string
    permissions: Readonly<Record<string, 'read' | 'write'>>
    events: readonly string[]
  }) {
    const keys = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    })
    this.app = {
      id: 4242,
      slug: app.slug,
      name: 'Muster',
      ...keys,
      webhookSecret: randomBytes(24).toString('hex'),
      clientId: `Iv23${randomBytes(8).toString('hex')}`,
      clientSecret: randomBytes(20).toString('hex'),
      webhookUrl: '',
    }
    this.permissions = app.permissions
    this.events = app.events
    this.bot = this.addAccount(`${app.slug}[bot]`, 'Bot')
  }

  id(): number {
    return this.#nextId++
  }

  addIssue(user: Account, title: string, body: string): Issue {
    const issue: Issue = {
      id: this.id(),
      number: this.issues.length + 1,
      user,
      title,
      body,
      labels: [],
      assignees: [],
      state: 'open',
      createdAt: now(),
      updatedAt: now(),
      closedAt: null,
      pull: undefined,
    }
    this.issues.push(issue)
    return issue
  }

  addAccount(login: string, type: Account['type'] = 'User'): Account {
    const account: Account = { id: this.id(), login, type }
    this.accounts.set(login, account)
    return account
  }

  person(login: string): Account {
    const account = this.accounts.get(login)
    if (!account) throw new Error(`nobody is called ${login} here`)
    return account
  }

  addEvent(event: IssueEvent['event'], issue: number, actor: Account, label?: string): void {
    this.issueEvents.push({ id: this.id(), event, issue, actor, label, createdAt: now() })
  }

  /** Notes something for the record, and tells whoever watches. */
  note(who: Account, what: string, where: string, text: string): void {
    const entry: Entry = { at: Date.now(), who: who.login, what, where, text }
    this.ledger.push(entry)
    for (const listener of this.#listeners) listener(entry)
  }

  watch(listener: (entry: Entry) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  mintToken(permissions: Token['permissions'], repositoryIds: readonly number[] | undefined): Token {
    // The stateless format: long, with dots, underscores and dashes (limits.md).
    const value = `ghs_${this.app.id}_${randomBytes(60).toString('base64url')}.${randomBytes(120).toString('base64url')}.${randomBytes(160).toString('base64url')}`
    const token: Token = { value, permissions, repositoryIds, expiresAt: Date.now() + 3_600_000 }
    this.tokens.set(value, token)
    return token
  }
}

export function now(): string {
  return new Date().toISOString().replace(/\.\d{3}Z$/, 'Z')
}

/** An opaque node id, as GraphQL wants it. */
export function nodeId(kind: string, id: number): string {
  return `${kind}_${createHash('sha256').update(`${kind}${id}`).digest('base64url').slice(0, 16)}`
}

export function guid(): string {
  return randomUUID()
}
