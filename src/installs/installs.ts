import { z } from 'zod'
import type { ChannelName } from '../core/said.ts'
import type { Seal } from './seal.ts'
import type { Installer, InstallRow, Installs, InstallStore, Tokens } from './types.ts'

/** Tokens are renewed so long before they run out. */
const EARLY_MS = 5 * 60_000
/** Somebody else renews them: their result is waited for. */
const WAIT_MS = 250
const WAITS = 60

const Stored = z.object({
  accessToken: z.string(),
  refreshToken: z.string().optional(),
  expiresAt: z.number().optional(),
  extra: z.record(z.string(), z.string()),
})

/** What installs are kept and renewed with. */
export interface InstallsDeps {
  readonly store: InstallStore
  readonly seal: Seal
  readonly installers: Readonly<Partial<Record<ChannelName, Installer>>>
  /** Where each channel's events are to be sent. */
  readonly hooksUrl: (channel: ChannelName) => string
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
  /** Told of every secret, so that none is ever shown. */
  readonly learn: (secret: string) => void
}

const merged = (tokens: Tokens, extra: Tokens['extra']): Tokens => ({ ...tokens, extra: { ...tokens.extra, ...extra } })

/** The installs over their store. Secrets are sealed before they are stored. */
export function createInstalls(deps: InstallsDeps): Installs {
  const { store, seal, installers, now } = deps
  const about = (channel: ChannelName, account: string) => `${channel}:${account}`
  const read = (row: InstallRow): Tokens =>
    known(Stored.parse(JSON.parse(seal.open(row.sealed, about(row.channel, row.account)))))
  const known = (tokens: Tokens): Tokens => {
    for (const secret of [tokens.accessToken, tokens.refreshToken, tokens.extra['webhookSecret']])
      if (secret) deps.learn(secret)
    return tokens
  }
  const write = (channel: ChannelName, account: string, tokens: Tokens) =>
    seal.close(JSON.stringify(tokens), about(channel, account))
  const rewrite = (row: InstallRow, tokens: Tokens) =>
    store.replace(row.channel, row.account, row.version, write(row.channel, row.account, tokens))
  const isDue = ({ expiresAt, refreshToken }: Tokens) =>
    refreshToken !== undefined && expiresAt !== undefined && expiresAt - now() < EARLY_MS

  async function renew(row: InstallRow, tokens: Tokens): Promise<Tokens> {
    const fresh = await installers[row.channel]?.refresh(tokens)
    if (!fresh) return tokens
    known(fresh)
    await rewrite(row, fresh)
    return fresh
  }
  return {
    list: store.list,
    kept: async (channel) =>
      (await store.list())
        .filter((row) => row.channel === channel)
        .map((row) => ({ account: row.account, tokens: read(row) })),
    async tokens(channel, account, leases) {
      for (let waited = 0; ; waited++) {
        const row = await store.get(channel, account)
        const tokens = row && read(row)
        if (!row || !tokens || !isDue(tokens)) return tokens
        const claim = await leases.acquire(`refresh:${about(channel, account)}`)
        if (claim) {
          try {
            // What was read before the claim may be what somebody else has renewed since.
            const mine = await store.get(channel, account)
            return mine && mine.version === row.version ? await renew(mine, tokens) : mine && read(mine)
          } finally {
            await claim.release()
          }
        }
        if (waited >= WAITS) return tokens
        await deps.sleep(WAIT_MS)
      }
    },
    async connect(channel, code, redirectUri) {
      const installer = installers[channel]
      if (!installer) throw new Error(`${channel} is not set up for installing`)
      const found = await installer.exchange(code, redirectUri)
      for (const one of found) {
        // Kept first: what listening needs is the token, and a failure there is mended by installing once more.
        await store.save(channel, one.account, one.name, write(channel, one.account, one.tokens))
        const tokens = await installer.listen?.(one, deps.hooksUrl(channel))
        if (tokens) await store.save(channel, one.account, one.name, write(channel, one.account, tokens))
      }
      return found
    },
    async forget(channel, account) {
      const row = await store.get(channel, account)
      if (!row) return false
      // Forgotten whatever the vendor says: nobody uses them from here any more.
      const revoked = Promise.resolve().then(() => installers[channel]?.revoke(read(row)))
      const gone = await store.remove(channel, account)
      await revoked.catch(() => {})
      return gone
    },
    async reseal() {
      for (const row of await store.list()) await rewrite(row, read(row))
    },
    async note(channel, account, extra) {
      const row = await store.get(channel, account)
      if (row) await rewrite(row, merged(read(row), extra))
    },
  }
}
