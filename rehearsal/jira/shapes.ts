import type { Change, JiraComment, JiraUser, JiraWorld, Status, Ticket } from './world.ts'

/** What Jira's API gives back (https://developer.atlassian.com/cloud/jira/platform/rest/v3). */

export function shownUser(world: JiraWorld, user: JiraUser) {
  return {
    self: `${world.url}/rest/api/3/user?accountId=${user.accountId}`,
    accountId: user.accountId,
    accountType: user.accountType,
    emailAddress: user.emailAddress,
    displayName: user.displayName,
    active: true,
    timeZone: 'Etc/UTC',
  }
}

export function shownStatus(world: JiraWorld, { id, name, category }: Status) {
  return {
    self: `${world.url}/rest/api/3/status/${id}`,
    id,
    name,
    statusCategory: { id: { new: 2, indeterminate: 4, done: 3 }[category], key: category, name: category },
  }
}

export function shownComment(world: JiraWorld, ticket: Ticket, comment: JiraComment, withProperties: boolean) {
  return {
    self: `${world.url}/rest/api/3/issue/${ticket.id}/comment/${comment.id}`,
    id: comment.id,
    author: shownUser(world, comment.author),
    updateAuthor: shownUser(world, comment.author),
    body: comment.body,
    created: stamp(comment.created),
    updated: stamp(comment.updated),
    jsdPublic: true,
    ...(withProperties ? { properties: comment.properties } : {}),
  }
}

/** Jira's form of a time. */
export function stamp(date: Date): string {
  return date.toISOString().replace('Z', '+0000')
}

function subtaskOf(world: JiraWorld) {
  return ({ id, key, summary, status }: Ticket) => ({
    id,
    key,
    self: `${world.url}/rest/api/3/issue/${id}`,
    fields: { summary, status: shownStatus(world, status) },
  })
}

export function fieldsOf(world: JiraWorld, ticket: Ticket): Record<string, unknown> {
  return {
    summary: ticket.summary,
    description: ticket.description ?? null,
    labels: ticket.labels,
    assignee: ticket.assignee ? shownUser(world, ticket.assignee) : null,
    reporter: shownUser(world, ticket.reporter),
    creator: shownUser(world, ticket.reporter),
    project: { self: `${world.url}/rest/api/3/project/${world.project.id}`, ...world.project },
    status: shownStatus(world, ticket.status),
    subtasks: world.tickets.filter(({ parent }) => parent === ticket).map(subtaskOf(world)),
    created: stamp(ticket.created),
    updated: stamp(ticket.updated),
  }
}

/** Without what only webhooks bring, and without what is not there. */
function itemOf({ tmpFromAccountId: _from, tmpToAccountId: _to, ...item }: Readonly<Record<string, unknown>>) {
  return Object.fromEntries(Object.entries(item).filter(([, value]) => value !== null))
}

export function shownChange(world: JiraWorld, { id, author, created, items }: Change) {
  return { id, author: shownUser(world, author), created: stamp(created), items: items.map(itemOf) }
}

export function shownTicket(world: JiraWorld, ticket: Ticket, fields: readonly string[], withChanges: boolean) {
  const all = Object.entries(fieldsOf(world, ticket))
  const histories = ticket.changes.toReversed().map((one) => shownChange(world, one))
  return {
    id: ticket.id,
    key: ticket.key,
    self: `${world.url}/rest/api/3/issue/${ticket.id}`,
    fields: Object.fromEntries(fields.length > 0 ? all.filter(([name]) => fields.includes(name)) : all),
    ...(withChanges ? { changelog: { startAt: 0, maxResults: 100, total: histories.length, histories } } : {}),
  }
}
