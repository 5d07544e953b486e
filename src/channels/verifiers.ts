import { type ChannelSettings, setupsIn } from './registry.ts'
import type { Verifier } from './types.ts'
import type { ChannelName } from '../core/said.ts'
import type { Installs } from '../installs/types.ts'

/** Who checks the webhooks of each channel that is switched on, and takes any. */
export function verifiersOf(
  settings: ChannelSettings,
  previous: Readonly<Partial<Record<string, string>>>,
  installs: Pick<Installs, 'kept'> | undefined,
): Partial<Record<ChannelName, Verifier>> {
  const found: Partial<Record<ChannelName, Verifier>> = {}
  for (const { name, verifier } of setupsIn(settings)) {
    const kept = installs && (() => installs.kept(name))
    const opened = verifier?.({ previous: (variable) => previous[variable], kept })
    if (opened) found[name] = opened
  }
  return found
}
