import type { ChannelTraits, Place } from './define.ts'

/** A ticket of a site; its name changes when it is moved. */
export interface JiraPlace extends Place {
  readonly site: string
  readonly ticket: string
  readonly name: string
}

export const jira: ChannelTraits<'jira', JiraPlace> = {
  name: 'jira',
  title: 'Jira',
  door: { path: '/api/jira/webhooks', answers: 'told' },
  holds: 'tickets',
  whispers: false,
  buttons: false,
  signs: false,
  pictures: false,
  subtasks: true,
  namesTickets: true,
  tellsInHalves: true,
  key: ({ site, ticket }) => `${site}/${ticket}`,
  account: ({ site }) => site,
  call: ({ name }) => name,
  ticketName: ({ name }) => name,
  isAside: () => false,
}
