import type { ChannelTraits, Place } from './define.ts'

/** A task of a workspace. */
export interface ClickupPlace extends Place {
  readonly team: string
  readonly ticket: string
}

export const clickup: ChannelTraits<'clickup', ClickupPlace> = {
  name: 'clickup',
  title: 'ClickUp',
  door: { path: '/api/clickup/webhooks', answers: 'told' },
  holds: 'tickets',
  whispers: false,
  buttons: false,
  signs: false,
  pictures: false,
  subtasks: false,
  namesTickets: false,
  tellsInHalves: true,
  key: ({ team, ticket }) => `${team}/${ticket}`,
  account: ({ team }) => team,
  call: () => 'the ClickUp task',
  ticketName: () => undefined,
  isAside: () => false,
}
