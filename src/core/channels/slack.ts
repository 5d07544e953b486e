import type { ChannelTraits, Place } from './define.ts'

/** A thread, by the message it hangs on. */
export interface SlackPlace extends Place {
  readonly team: string
  readonly room: string
  readonly thread: string
  /** Where a command can be answered that was said in no thread, for a while. */
  readonly respond?: string | undefined
}

export const slack: ChannelTraits<'slack', SlackPlace> = {
  name: 'slack',
  title: 'Slack',
  door: { path: '/api/slack/events', answers: 'silent' },
  holds: 'threads',
  whispers: true,
  buttons: true,
  signs: true,
  pictures: true,
  subtasks: false,
  namesTickets: false,
  // A message has an id of its own, and its repository may be chosen long after it was written.
  tellsInHalves: false,
  key: ({ team, room, thread }) => `${team}/${room}/${thread}`,
  account: ({ team }) => team,
  call: () => 'the Slack thread',
  ticketName: () => undefined,
  isAside: ({ thread }) => thread.startsWith('command:'),
}
