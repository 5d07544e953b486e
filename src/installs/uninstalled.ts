import { SendError } from '../channels/types.ts'
import { messageOf } from '../core/errors.ts'
import type { ChannelName } from '../core/said.ts'
import type { Installs } from './types.ts'

/** Whoever speaks for a workspace or site; undefined: it is not connected. */
interface Connected {
  of(name: ChannelName, account: string): Promise<{ readonly whoami: () => Promise<string> } | undefined>
}

interface UninstalledDeps {
  readonly channels: Connected
  readonly installs: Pick<Installs, 'forget'> | undefined
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>>) => void
}

/**
 * A vendor says that the app was removed from a workspace, or its token revoked. That may be told late, after it was installed again: the
 * tokens are forgotten only where they are accepted no more.
 * @throws SendError while the vendor cannot be asked
 */
export async function forgetIfGone(
  { channels, installs, log }: UninstalledDeps,
  channel: ChannelName,
  account: string,
): Promise<void> {
  const error = await refusal(channels, channel, account)
  if (error === undefined) return log('info', 'told of a removal that is over: the token works', { channel, account })
  const forgotten = (await installs?.forget(channel, account)) ?? false
  log(
    'warn',
    forgotten ? 'the app was removed, and its tokens are forgotten' : 'the token of the settings works no more',
    {
      channel,
      account,
      error,
    },
  )
}

/**
 * Why Muster is nobody there any more; undefined where it still is somebody.
 * @throws whatever keeps the vendor from saying so: then nothing is forgotten, and it is asked again
 */
async function refusal(channels: Connected, channel: ChannelName, account: string): Promise<string | undefined> {
  try {
    const there = await channels.of(channel, account)
    await there?.whoami()
    return there ? undefined : 'not connected'
  } catch (error) {
    if (error instanceof SendError && error.trouble === 'token') return messageOf(error)
    throw error
  }
}
