import { type ChannelSettings, setupsIn } from '../channels/registry.ts'
import type { Verifier } from '../channels/types.ts'
import type { Previous } from '../config/previous.ts'
import type { ChannelName } from '../core/said.ts'
import type { Installs } from '../installs/installs.ts'

/** Who checks the webhooks of each channel that is switched on, and takes any. */
export function verifiersOf(
  settings: ChannelSettings,
  previous: Previous,
  installs: Pick<Installs, 'kept'> | undefined,
): Partial<Record<ChannelName, Verifier>> {
  const before = new Map<string, string>(Object.entries(previous))
  const found: Partial<Record<ChannelName, Verifier>> = {}
  for (const { name, verifier } of setupsIn(settings)) {
    const kept = installs && (() => installs.kept(name))
    const opened = verifier?.({ previous: (variable) => before.get(variable), kept })
    if (opened) found[name] = opened
  }
  return found
}
