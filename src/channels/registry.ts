import { type Env, type EnvProblem, secretKey } from '../core/environment.ts'
import type { CoreChannel } from '../core/channels/registry.ts'
import { registry } from '../core/registry.ts'
import { type ChannelName, channelNames } from '../core/said.ts'
import { clickup } from './clickup/module.ts'
import { jira } from './jira/module.ts'
import type { ChannelModule, ChannelSetup } from './module.ts'
import { slack } from './slack/module.ts'

/** Every channel beside GitHub, a line for each. */
export const CHANNELS = registry<CoreChannel, ChannelModule>('the channel', { slack, jira, clickup })

/** The channels that are switched on. */
export interface ChannelSettings {
  readonly of: Readonly<Partial<Record<ChannelName, ChannelSetup>>>
  /** Seals the tokens of installs in the database; undefined: no app is set up for installing. */
  readonly secretKey: string | undefined
}

/** Reads which channels are switched on; one that is half set is a problem, never a channel with a hole. */
export function readChannels(env: Env, problems: EnvProblem[]): ChannelSettings {
  const of: Partial<Record<ChannelName, ChannelSetup>> = Object.fromEntries(
    channelNames().flatMap((name) => {
      const setup = CHANNELS.of(name)(env, problems)
      return setup ? [[name, setup] as const] : []
    }),
  )
  const isInstallable = Object.values(of).some((setup) => setup?.app !== undefined)
  return { of, secretKey: isInstallable ? secretKey(env, problems) : undefined }
}

/** Those that are switched on, in their order. */
export function setupsIn({ of }: ChannelSettings): readonly ChannelSetup[] {
  return channelNames().flatMap((name) => of[name] ?? [])
}
