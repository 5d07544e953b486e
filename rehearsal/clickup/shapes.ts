import {
  type ClickupComment,
  type ClickupHook,
  type ClickupTicket,
  type ClickupUser,
  type ClickupWorld,
  PULL_FIELD,
} from './world.ts'

/** What ClickUp's API gives back (https://developer.clickup.com/reference). */

export function shownUser({ id, username, email }: ClickupUser) {
  return { id, username, email, color: '#827718', profilePicture: '', initials: username.slice(0, 2).toUpperCase() }
}

export function shownComment({ id, user, comment, text, date }: ClickupComment) {
  return {
    id,
    comment,
    comment_text: text,
    user: shownUser(user),
    resolved: false,
    assignee: null,
    assigned_by: null,
    reactions: [],
    date: String(date),
    reply_count: '0',
  }
}

export function ticketUrl(world: ClickupWorld, { id }: ClickupTicket): string {
  return `${world.url}/t/${id}`
}

export function shownTicket(world: ClickupWorld, ticket: ClickupTicket) {
  const { id, name, description, creator, assignees, tags, status, fields, created, updated } = ticket
  return {
    id,
    custom_id: null,
    name,
    text_content: description,
    description,
    status,
    orderindex: '1.0',
    date_created: String(created),
    date_updated: String(updated),
    date_closed: null,
    date_done: null,
    creator: shownUser(creator),
    assignees: assignees.map(shownUser),
    group_assignees: [],
    watchers: [],
    checklists: [],
    tags: tags.map((tag) => ({ name: tag, tag_fg: '#fff', tag_bg: '#000', creator: creator.id })),
    parent: null,
    priority: null,
    due_date: null,
    start_date: null,
    time_estimate: null,
    time_spent: 0,
    points: null,
    dependencies: [],
    linked_tasks: [],
    team_id: world.team.id,
    permission_level: 'create',
    project: { id: world.folder.id, name: world.folder.name, hidden: true, access: true },
    custom_fields: [
      {
        ...PULL_FIELD,
        type_config: {},
        date_created: String(created),
        hide_from_guests: false,
        required: false,
        value: fields.get(PULL_FIELD.id) ?? null,
      },
    ],
    list: { id: world.list.id, name: world.list.name, access: true },
    folder: { ...world.folder, hidden: true, access: true },
    space: { id: world.space.id },
    url: ticketUrl(world, ticket),
  }
}

export function shownWebhook(world: ClickupWorld, { id, endpoint, events, failCount, status, secret }: ClickupHook) {
  return {
    id,
    userid: world.bot.id,
    team_id: Number(world.team.id),
    endpoint,
    client_id: 'REHEARSAL',
    events,
    task_id: null,
    list_id: null,
    folder_id: null,
    space_id: null,
    health: { status, fail_count: failCount },
    secret,
  }
}
