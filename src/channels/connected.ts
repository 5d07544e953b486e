import type { Channel } from './module.ts'
import { type ChannelSettings, setupsIn } from './registry.ts'
import {
  type CatchUp,
  type CatchUpStore,
  type ChannelFacts,
  type SendContext,
  SendError,
  type Sender,
} from './types.ts'
import type { Reading } from '../core/reply/foreign.ts'
import { messageOf } from '../core/errors.ts'
import type { EffectBody } from '../core/effects.ts'
import type { Unheard } from '../core/heard.ts'
import { GITHUB_LIMITS, type Limits } from '../core/rate.ts'
import {
  accountIn,
  bareAccount,
  channelNames,
  type ChannelName,
  channelTraits,
  type Said,
  type Surface,
} from '../core/said.ts'
import type { Tokens } from '../installs/types.ts'
import type { PeopleStore } from '../people/types.ts'
import type { Leases } from '../leases/types.ts'
import type { Installs } from '../installs/types.ts'

/** Every workspace and site that Muster is connected to: the ones of the settings, and those it was installed into. */
export interface Channels {
  /** What speaks for a surface, a member or an event of this workspace or site; undefined: it is not connected (any more). */
  of(name: ChannelName, account: string): Promise<Channel | undefined>
  all(): Promise<readonly { readonly name: ChannelName; readonly source: string; readonly channel: Channel }[]>
  isOn(name: ChannelName): boolean
}

/** What the channels are opened with. */
export interface ConnectedDeps {
  readonly settings: ChannelSettings
  readonly publicUrl: string
  readonly reading: Reading
  readonly installs: Installs | undefined
  readonly leases: Pick<Leases, 'acquire'>
  readonly warn: (message: string, fields: Readonly<Record<string, unknown>>) => void
}

/** Opens what the settings name at once, and what is installed when it is needed. */
export async function openChannels(deps: ConnectedDeps): Promise<Channels> {
  const { settings, publicUrl, reading, installs, leases, warn } = deps
  const opening = { publicUrl, reading }
  const fixed: Partial<Record<ChannelName, Channel>> = {}
  for (const { name, open: openFixed } of setupsIn(settings)) {
    const channel = await openFixed?.(opening)
    if (channel) fixed[name] = channel
  }
  // One for each token: a renewed one gets a channel of its own.
  const open = new Map<string, { readonly token: string; readonly channel: Channel }>()

  async function installed(name: ChannelName, account: string): Promise<Channel | undefined> {
    const app = settings.of[name]?.app
    const tokens = app && (await installs?.tokens(name, account, leases))
    if (!tokens) return undefined
    const key = `${name}:${account}`
    const known = open.get(key)
    const sign = JSON.stringify(tokens)
    if (known?.token === sign) return known.channel
    const channel = await app.open({ account, tokens, note: noting(name, account) }, opening)
    open.set(key, { token: sign, channel })
    return channel
  }

  /** One whose tokens cannot be used keeps nobody else waiting. It is told of once, not every minute. */
  const told = new Set<string>()
  function closed(channel: ChannelName, account: string, error: unknown): undefined {
    const text = `${channel}:${account}: ${messageOf(error)}`
    if (!told.has(text))
      warn('a workspace cannot be reached with the tokens it was installed with', {
        channel,
        account,
        error: messageOf(error),
      })
    told.add(text)
  }

  const noting = (name: ChannelName, account: string) => async (extra: Tokens['extra']) =>
    installs?.note(name, account, extra)

  return {
    of: async (name, account) => (await installed(name, account)) ?? fixed[name],
    isOn: (name) => fixed[name] !== undefined || settings.of[name]?.app !== undefined,
    async all() {
      const plain = channelNames().flatMap((name) =>
        fixed[name] ? [{ name, source: name, channel: fixed[name] }] : [],
      )
      const rows = (await installs?.list()) ?? []
      const found = await Promise.all(
        rows.map(async ({ channel: name, account }) => {
          const channel = await installed(name, account).catch((error: unknown) => closed(name, account, error))
          return channel ? [{ name, source: `${name}:${account}`, channel }] : []
        }),
      )
      return [...plain, ...found.flat()]
    },
  }
}

/** The limits of an account, by its channel. */
export function limitsIn(settings: ChannelSettings): (account: string) => Limits {
  const all = setupsIn(settings)
  return (account) => all.find(({ name }) => account.startsWith(`${name}:`))?.limits ?? GITHUB_LIMITS
}

/** Each effect goes to the channel, and there to the workspace or site, that it belongs to. */
export function senderTo(
  github: Sender,
  channels: Channels,
  settings: ChannelSettings,
  people: Pick<PeopleStore, 'membersOf'>,
): Sender {
  const of = async (body: EffectBody): Promise<Sender> => {
    if (!('surface' in body)) return github
    const { channel } = body.surface
    const found = await channels.of(channel, accountIn(body.surface))
    if (!found) throw new SendError('fatal', `${channel} is not switched on any more`)
    return found.sender
  }
  return {
    costOf: (body, previous) =>
      'surface' in body
        ? (settings.of[body.surface.channel]?.costOf(body, previous) ?? {})
        : github.costOf(body, previous),
    lookUp: async (body, context) => (await of(body)).lookUp(body, await calling(people, body, context)),
    send: async (body, context) => (await of(body)).send(body, await calling(people, body, context)),
  }
}

/** Who of those that are asked can be called where it is said. */
async function calling(
  people: Pick<PeopleStore, 'membersOf'>,
  body: EffectBody,
  context: SendContext,
): Promise<SendContext> {
  if (body.kind !== 'message' || !body.calls) return context
  const { surface, calls } = body
  const ids = calls.map(({ id }) => id)
  return { ...context, called: await people.membersOf(ids, surface.channel, accountIn(surface)) }
}

/** What reads the events of each channel that is switched on, and what is known of it. */
export function readersOf(channels: Channels, settings: ChannelSettings) {
  return {
    readers: byName((name) => readerOf(channels, settings, name)),
    facts: byName((name) => factsOf(channels, name)),
  }
}

function byName<T>(of: (name: ChannelName) => T | undefined): Partial<Record<ChannelName, T>> {
  const found = channelNames().map((name) => [name, of(name)] as const)
  return Object.fromEntries(found.filter((one): one is readonly [ChannelName, T] => one[1] !== undefined))
}

/** Reads what arrived, in the name of the workspace or site that it came from. */
function readerOf(channels: Channels, settings: ChannelSettings, name: ChannelName) {
  if (!channels.isOn(name)) return undefined
  const early = settings.of[name]?.readEarly
  return async (body: Uint8Array, account: string | undefined): Promise<Said | Unheard> => {
    const told = early?.(body)
    if (told && 'ignored' in told) return told
    const channel = await channels.of(name, bareAccount(name, account))
    return channel ? channel.read(body) : { ignored: 'not_connected', detail: `${account ?? name} is not connected` }
  }
}

/** Facts, asked where they are known. */
function factsOf(channels: Channels, name: ChannelName): ChannelFacts | undefined {
  if (!channels.isOn(name)) return undefined
  const at = async (account: string) => (await channels.of(name, account))?.facts
  const here = (surface: Surface) => at(accountIn(surface))
  const anywhere = async (look: (facts: ChannelFacts) => Promise<Surface | undefined>) => {
    for (const one of await channels.all()) {
      const found = one.name === name ? await look(one.channel.facts) : undefined
      if (found) return found
    }
    return undefined
  }
  return {
    permalink: async (surface, messageId) => (await (await here(surface))?.permalink(surface, messageId)) ?? '',
    isFullMember: async (member) => (await (await at(member.account))?.isFullMember(member)) ?? false,
    ticket: async (surface) => (await here(surface))?.ticket(surface),
    editors: async (surface) => (await (await here(surface))?.editors?.(surface)) ?? [],
    links: async (surface) => (await (await here(surface))?.links?.(surface)) ?? [],
    surfaceAt: (url) => anywhere((facts) => facts.surfaceAt(url)),
    surfaceNamed: (called) => anywhere((facts) => facts.surfaceNamed(called)),
    conversation: async (surface, messageId) => (await (await here(surface))?.conversation?.(surface, messageId)) ?? [],
    named: async (surface, text) => (await (await here(surface))?.named?.(surface, text)) ?? text,
    emailOf: async (member) => (await at(member.account))?.emailOf(member),
    ...(channelTraits(name).holds === 'threads'
      ? {
          thread: async (surface: Surface, words: string, marker: string, since: number) =>
            (await here(surface))?.thread?.(surface, words, marker, since),
        }
      : {}),
  }
}

/** How everything that is connected now fetches what was missed. */
export async function catchUpsOf(
  channels: Channels,
  surfaces: () => Promise<readonly Surface[]>,
  inbox: CatchUpStore,
): Promise<CatchUp[]> {
  return (await channels.all()).map(({ source, channel }) => ({ ...channel.catchUp(surfaces, inbox), source }))
}

/** The repository of the narrowest project that has one. */
export function mappedIn({ of }: ChannelSettings, name: ChannelName, projects: readonly string[]) {
  const maps = of[name]?.repositories ?? []
  return projects
    .flatMap((project) => maps.map((map) => map.get(project.toUpperCase())))
    .find((one) => one !== undefined)
}
