import { isPluginId, type PluginId, registry } from '../registry.ts'
import { clickup, type ClickupPlace } from './clickup.ts'
import type { ChannelTraits, Place } from './define.ts'
import { jira, type JiraPlace } from './jira.ts'
import { slack, type SlackPlace } from './slack.ts'

/** The places of each channel: a line for each. */
interface Places {
  readonly slack: SlackPlace
  readonly jira: JiraPlace
  readonly clickup: ClickupPlace
}

/** A place in a channel of a plug-in's: it can be told from others, and named, where the plug-in is gone. */
export interface PluginPlace extends Place {
  /** The workspace or site. */
  readonly account: string
  /** The thread or ticket in it. */
  readonly id: string
  /** What people call it, in a sentence. */
  readonly name: string
}

export type CoreChannel = keyof Places
export type ChannelName = CoreChannel | PluginId

/** A place outside GitHub where a conversation is held. */
export type Surface<Name extends ChannelName = ChannelName> = Name extends CoreChannel
  ? { readonly channel: Name } & Places[Name]
  : PluginSurface
export type PluginSurface = { readonly channel: PluginId } & PluginPlace

type All = { readonly [Name in CoreChannel]: ChannelTraits<Name, Places[Name]> }

/** What is known of each channel: a line for each. */
const TRAITS: All = { slack, jira, clickup }

/** What is known of a channel, whatever its places look like. */
export type AnyTraits = Omit<ChannelTraits<ChannelName, never>, 'key' | 'account' | 'call' | 'ticketName' | 'isAside'>

const CHANNELS = registry<CoreChannel, AnyTraits>('the channel', TRAITS)

/** A channel of a plug-in that is not here any more: nothing is sent there, and what was held there is called by its name. */
const GONE: Omit<AnyTraits, 'name' | 'title'> = {
  door: { path: '', answers: 'told' },
  holds: 'threads',
  whispers: false,
  buttons: false,
  signs: false,
  pictures: false,
  subtasks: false,
  namesTickets: false,
  tellsInHalves: false,
}

/** The channels beside GitHub. */
export function channelNames(): readonly ChannelName[] {
  return CHANNELS.names()
}

/** Adds a channel of a plug-in's, once, when the process starts. @throws Error where its name or its door is taken */
export function addChannel(traits: AnyTraits): void {
  const { name, door } = traits
  if (!/^\/api\/[a-z-]+\/[a-z-]+$/.test(door.path)) throw new Error(`the channel ${name}: ${door.path} is no door`)
  const other = CHANNELS.all().find((one) => one.door.path === door.path)
  if (other || door.path.startsWith('/api/github/'))
    throw new Error(`the channel ${name}: the door ${door.path} is taken`)
  CHANNELS.add(name, traits)
}

export function channelTraits(name: ChannelName): AnyTraits {
  return CHANNELS.get(name) ?? (isPluginId(name) ? { ...GONE, name, title: name } : CHANNELS.of(name))
}

/** As people call it. */
export function titleOf(name: ChannelName): string {
  return channelTraits(name).title
}

/** A channel by its name; undefined where there is none of that name. */
export function channelNamed(text: unknown): ChannelName | undefined {
  return typeof text === 'string' ? CHANNELS.named(text) : undefined
}

/** The conversation key of a surface. */
export function surfaceKey(surface: Surface): string {
  return isOfPlugin(surface)
    ? `${surface.channel}:${surface.account}/${surface.id}`
    : `${surface.channel}:${traitsAt(surface).key(surface)}`
}

/** The workspace or site of a surface. */
export function accountIn(surface: Surface): string {
  return isOfPlugin(surface) ? surface.account : traitsAt(surface).account(surface)
}

/** What people call a surface, in a sentence. */
export function surfaceName(surface: Surface): string {
  return isOfPlugin(surface) ? surface.name : traitsAt(surface).call(surface)
}

/** What its ticket is called, where it has a name of its own. */
export function ticketName(surface: Surface): string | undefined {
  if (isOfPlugin(surface)) return isTicket(surface) ? surface.name : undefined
  return traitsAt(surface).ticketName(surface)
}

/** Said by a command that stands in no thread: only its author sees what is answered. */
export function isAside(surface: Surface): boolean {
  return !isOfPlugin(surface) && traitsAt(surface).isAside(surface)
}

export function isTicket({ channel }: Pick<Surface, 'channel'>): boolean {
  return channelTraits(channel).holds === 'tickets'
}

function isOfPlugin(surface: Surface): surface is PluginSurface {
  return isPluginId(surface.channel)
}

/** The traits of the channel of a surface, as those that know such a surface. */
function traitsAt<Name extends CoreChannel>(surface: {
  readonly channel: Name
}): ChannelTraits<Name, { readonly channel: Name } & Places[Name]> {
  return TRAITS[surface.channel]
}
