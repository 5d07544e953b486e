import { setTimeout as sleep } from 'node:timers/promises'
import { clickupInstaller } from '../channels/clickup/install.ts'
import { slackInstaller } from '../channels/slack/install.ts'
import type { InstallSettings } from '../config/channels.ts'
import type { ChannelName } from '../core/said.ts'
import { hookPath } from '../http/webhooks.ts'
import { sealWith } from '../installs/seal.ts'
import type { Installer } from '../installs/types.ts'
import type { Store } from '../store/types.ts'
import { createInstalls, type Installs } from './installs.ts'

/** The vendors whose apps are set up for installing. */
async function installersOf({
  slack,
  jira,
  clickup,
}: InstallSettings): Promise<Partial<Record<ChannelName, Installer>>> {
  return {
    ...(slack ? { slack: slackInstaller(slack) } : {}),
    ...(jira ? { jira: await jiraInstallerOf(jira) } : {}),
    ...(clickup ? { clickup: clickupInstaller(clickup) } : {}),
  }
}

/** Loaded when it is needed: Jira's library is large. */
async function jiraInstallerOf(settings: NonNullable<InstallSettings['jira']>): Promise<Installer> {
  const { jiraInstaller } = await import('../channels/jira/install.ts')
  return jiraInstaller({ ...settings, projects: [...settings.repositories.keys()] })
}

/** The installs, with the vendors whose apps are set up. */
export interface OpenedInstalls extends Installs {
  readonly installers: Partial<Record<ChannelName, Installer>>
}

/** The installs of this server; undefined where no app is set up for installing. */
export async function openInstalls(
  settings: InstallSettings | undefined,
  previousKey: string | undefined,
  publicUrl: string,
  store: Pick<Store, 'installs' | 'now'>,
  learn: (secret: string) => void,
): Promise<OpenedInstalls | undefined> {
  if (!settings) return undefined
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
