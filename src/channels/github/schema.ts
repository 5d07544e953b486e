import { z } from 'zod'
import { jsonIn } from '../../core/json.ts'

/** The parts of GitHub's webhook payloads that are read; all else is ignored. The one place where payloads become types. */

const Account = z.object({ id: z.number(), login: z.string(), type: z.string().optional() })
const RepositoryPart = z.object({
  id: z.number(),
  name: z.string(),
  default_branch: z.string(),
  owner: z.object({ login: z.string() }),
})
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '')
const Issue = z.object({
  number: z.number(),
  title: z.string(),
  body: text,
  user: Account.nullable(),
  html_url: z.string(),
  created_at: z.string(),
  updated_at: z.string().nullish(),
  pull_request: z.unknown().optional(),
})
const Comment = z.object({
  id: z.number(),
  body: text,
  user: Account.nullish(),
  created_at: z.string(),
  updated_at: z.string().nullish(),
})
const Pull = z.object({
  number: z.number(),
  title: z.string().default(''),
  body: text,
  user: Account.nullish(),
  html_url: z.string().default(''),
  labels: z.array(z.object({ name: z.string() })).default([]),
  merged: z.boolean().optional(),
  merge_commit_sha: z.string().nullish(),
  head: z.object({ sha: z.string(), repo: z.object({ id: z.number() }).nullish() }),
  updated_at: z.string(),
})
const ReviewPart = z.object({
  id: z.number(),
  body: text,
  state: z.string(),
  user: Account.nullish(),
  submitted_at: z.string().nullish(),
})
const ReviewCommentPart = z.object({
  id: z.number(),
  body: text,
  path: z.string(),
  line: z.number().nullish(),
  original_line: z.number().nullish(),
  pull_request_review_id: z.number().nullish(),
  in_reply_to_id: z.number().nullish(),
  user: Account.nullish(),
  created_at: z.string(),
  updated_at: z.string().nullish(),
})
const CheckRun = z.object({
  id: z.number().optional(),
  html_url: z.string().nullish(),
  name: z.string(),
  head_sha: z.string(),
  conclusion: z.string().nullish(),
  app: z.object({ id: z.number(), slug: z.string().nullish() }).nullish(),
  completed_at: z.string().nullish(),
  external_id: z.string().nullish(),
  output: z.object({ title: text, summary: text, text: text }).partial().nullish(),
  pull_requests: z.array(z.object({ number: z.number() })),
})

/** What every event that can concern a task carries. The installation is taken from the signed payload only. */
export const Envelope = z.object({
  action: z.string().optional(),
  repository: RepositoryPart,
  sender: Account,
  installation: z.object({ id: z.number() }),
})

/** A status that some other system has put on a commit. */
const Status = z.object({
  action: z.string().default('reported'),
  sha: z.string(),
  state: z.string(),
  context: z.string(),
  description: text,
  updated_at: z.string().nullish(),
  branches: z.array(z.object({ name: z.string() })),
})

export const Payloads = {
  issues: z.object({
    action: z.string(),
    issue: Issue,
    label: z.object({ name: z.string() }).optional(),
    assignee: Account.nullish(),
    /** Of a transferred issue: where it was before. */
    changes: z.object({ old_issue: z.unknown(), old_repository: z.unknown() }).partial().nullish(),
  }),
  issue_comment: z.object({ action: z.string(), issue: Issue, comment: Comment }),
  pull_request: z.object({ action: z.string(), pull_request: Pull, label: z.object({ name: z.string() }).optional() }),
  pull_request_review: z.object({
    action: z.string(),
    review: ReviewPart,
    pull_request: z.object({ number: z.number() }),
  }),
  pull_request_review_comment: z.object({
    action: z.string(),
    comment: ReviewCommentPart,
    pull_request: z.object({ number: z.number() }),
  }),
  check_run: z.object({
    action: z.string(),
    check_run: CheckRun,
    requested_action: z.object({ identifier: z.string() }).optional(),
  }),
  status: Status,
  deployment_protection_rule: z.object({
    action: z.string(),
    environment: text,
    deployment_callback_url: text,
    deployment: z.object({ id: z.number(), sha: z.string() }).nullish(),
  }),
}

export type EventName = keyof typeof Payloads

/** The account, without a display name: those can be chosen freely. */
export function personOf(account: z.infer<typeof Account> | null | undefined): { id: number; login: string } {
  return { id: account?.id ?? 0, login: account?.login ?? 'ghost' }
}

/** The payload of a webhook; undefined where it is none. An app whose webhook is set to "form" sends the same JSON in a field. */
export function payloadIn(body: Uint8Array): unknown {
  const start = Buffer.from(body.buffer, body.byteOffset, Math.min(body.byteLength, 8)).toString('latin1')
  if (start !== 'payload=') return jsonIn(body)
  const form = new URLSearchParams(Buffer.from(body).toString('utf8'))
  return jsonIn(Buffer.from(form.get('payload') ?? ''))
}
