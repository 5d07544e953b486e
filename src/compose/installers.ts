import { setTimeout as sleep } from 'node:timers/promises'
import { type ChannelSettings, setupsIn } from '../channels/registry.ts'
import type { ChannelName } from '../core/said.ts'
import { hookPath } from '../http/webhooks.ts'
import { sealWith } from '../installs/seal.ts'
import type { Installer, Installs } from '../installs/types.ts'
import type { Store } from '../store/types.ts'
import { createInstalls } from '../installs/installs.ts'

/** The vendors whose apps are set up for installing. */
async function installersOf(settings: ChannelSettings): Promise<Partial<Record<ChannelName, Installer>>> {
  const found: Partial<Record<ChannelName, Installer>> = {}
  for (const { name, app } of setupsIn(settings)) if (app) found[name] = await app.installer()
  return found
}

/** The installs, with the vendors whose apps are set up. */
export interface OpenedInstalls extends Installs {
  readonly installers: Partial<Record<ChannelName, Installer>>
}

/** The installs of this server; undefined where no app is set up for installing. */
export async function openInstalls(
  settings: ChannelSettings,
  previousKey: string | undefined,
  publicUrl: string,
  store: Pick<Store, 'installs' | 'now'>,
  learn: (secret: string) => void,
): Promise<OpenedInstalls | undefined> {
  if (!settings.secretKey) return undefined
  const installers = await installersOf(settings)
  const installs = createInstalls({
    store: store.installs,
    seal: sealWith(settings.secretKey, previousKey),
    installers,
    hooksUrl: (channel) => publicUrl + hookPath(channel),
    now: store.now,
    sleep,
    learn,
  })
  if (previousKey) await installs.reseal()
  return { ...installs, installers }
}
