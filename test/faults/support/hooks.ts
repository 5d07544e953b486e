import { createHmac, randomUUID } from 'node:crypto'

/** Webhooks made by hand, signed. */
export const SECRET = 'a-secret-for-the-fault-suite'

/** @returns the status; 0 without an answer */
export async function postSigned(
  url: string,
  event: string,
  payload: unknown,
  guid: string = randomUUID(),
  secret: string = SECRET,
): Promise<number> {
  const body = JSON.stringify(payload)
  return fetch(`${url}/api/github/webhooks`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'x-github-delivery': guid,
      'x-github-event': event,
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    },
    signal: AbortSignal.timeout(10_000),
  }).then(
    (answer) => answer.arrayBuffer().then(() => answer.status),
    () => 0,
  )
}

/** An installation has so many: releases of one of them wait for each other's verdicts. */
const REPOSITORIES = 8
/** @param number of the issue, which says in which one it is */
const repository = (installation: number, number: number) => ({
  id: installation * REPOSITORIES + (number % REPOSITORIES),
  name: `shop-${installation}-${number % REPOSITORIES}`,
  default_branch: 'main',
  owner: { login: 'acme' },
})
const alice = { id: 10, login: 'alice', type: 'User' }

/** What every webhook about the repository of an issue carries. */
export const envelope = (number: number, installation = 7) => ({
  repository: repository(installation, number),
  sender: alice,
  installation: { id: installation },
})

/** The webhook of a label that is put on an issue. */
export function labeled(number: number, installation = 7, title = `Task ${number}`): Record<string, unknown> {
  return {
    action: 'labeled',
    issue: { ...issueOf(number), title },
    label: { name: 'muster' },
    ...envelope(number, installation),
  }
}

/** The webhook of a comment. */
export function commented(
  number: number,
  id: number,
  body: string,
  installation = 7,
  sender: { id: number; login: string; type: string } = alice,
): Record<string, unknown> {
  return {
    action: 'created',
    issue: issueOf(number),
    comment: { id, user: sender, body, created_at: new Date().toISOString() },
    ...envelope(number, installation),
    sender,
  }
}

export function issueOf(number: number) {
  return {
    number,
    title: `Task ${number}`,
    body: 'See the totals.',
    user: alice,
    html_url: 'http://x',
    created_at: new Date().toISOString(),
  }
}

/** The webhook of a merge. @param issue what it was made for */
export function merged(pull: number, sha: string, issue: number): Record<string, unknown> {
  const { repository, installation } = envelope(issue)
  return {
    action: 'closed',
    pull_request: {
      number: pull,
      merged: true,
      merge_commit_sha: sha,
      head: { sha, repo: { id: repository.id } },
      updated_at: new Date().toISOString(),
    },
    repository,
    sender: { id: 11, login: 'bob', type: 'User' },
    installation,
  }
}
