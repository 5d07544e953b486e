import { clickup, type ClickupPlace } from './clickup.ts'
import type { ChannelTraits } from './define.ts'
import { jira, type JiraPlace } from './jira.ts'
import { slack, type SlackPlace } from './slack.ts'

/** The places of each channel: a line for each. */
interface Places {
  readonly slack: SlackPlace
  readonly jira: JiraPlace
  readonly clickup: ClickupPlace
}

export type ChannelName = keyof Places

/** A place outside GitHub where a conversation is held. */
export type Surface<Name extends ChannelName = ChannelName> = {
  [Channel in Name]: { readonly channel: Channel } & Places[Channel]
}[Name]

type All = { readonly [Name in ChannelName]: ChannelTraits<Name, Places[Name]> }

/** What is known of each channel: a line for each. */
const TRAITS: All = { slack, jira, clickup }

/** The channels beside GitHub. */
export const CHANNEL_NAMES: readonly ChannelName[] = Object.values(TRAITS).map(({ name }) => name)

/** What is known of a channel, whatever its places look like. */
type AnyTraits = Omit<ChannelTraits<ChannelName, never>, 'key' | 'account' | 'call' | 'ticketName' | 'isAside'>

export function channelTraits(name: ChannelName): AnyTraits {
  return TRAITS[name]
}

/** As people call it. */
export function titleOf(name: ChannelName): string {
  return TRAITS[name].title
}

/** A channel by its name; undefined where there is none of that name. */
export function channelNamed(text: unknown): ChannelName | undefined {
  return CHANNEL_NAMES.find((name) => name === text)
}

/** The conversation key of a surface. */
export function surfaceKey<Name extends ChannelName>(surface: Surface<Name>): string {
  return `${surface.channel}:${traitsAt(surface).key(surface)}`
}

/** The workspace or site of a surface. */
export function accountIn<Name extends ChannelName>(surface: Surface<Name>): string {
  return traitsAt(surface).account(surface)
}

/** What people call a surface, in a sentence. */
export function surfaceName<Name extends ChannelName>(surface: Surface<Name>): string {
  return traitsAt(surface).call(surface)
}

/** What its ticket is called, where it has a name of its own. */
export function ticketName<Name extends ChannelName>(surface: Surface<Name>): string | undefined {
  return traitsAt(surface).ticketName(surface)
}

/** Said by a command that stands in no thread: only its author sees what is answered. */
export function isAside<Name extends ChannelName>(surface: Surface<Name>): boolean {
  return traitsAt(surface).isAside(surface)
}

export function isTicket({ channel }: Surface): boolean {
  return TRAITS[channel].holds === 'tickets'
}

/** The traits of the channel of a surface, as those that know such a surface. */
function traitsAt<Name extends ChannelName>(surface: Surface<Name>): ChannelTraits<Name, Surface<Name>> {
  return TRAITS[surface.channel]
}
