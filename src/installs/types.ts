import type { ChannelName } from '../core/said.ts'
import type { Leases } from '../leases/types.ts'

/** What a vendor gave for one workspace or site. Secret: it leaves the process sealed only. */
export interface Tokens {
  readonly accessToken: string
  readonly refreshToken?: string | undefined
  /** ms since the epoch; undefined: it does not run out. */
  readonly expiresAt?: number | undefined
  /** What else belongs to it: the id of the site, the secret of the webhook, when that was last renewed. */
  readonly extra: Readonly<Record<string, string>>
}

/** A workspace or site that somebody has consented for. */
export interface Installed {
  /** The workspace or site, as surfaces name it. */
  readonly account: string
  /** For people to read. */
  readonly name: string
  readonly tokens: Tokens
}

/** How one vendor lets somebody install an app (OAuth 2.0, authorization code). Every call @throws Error saying what was refused. */
export interface Installer {
  authorizeUrl(state: string, redirectUri: string): string
  /** Exchanges the code that the vendor sent back; one consent may be for several sites. */
  exchange(code: string, redirectUri: string): Promise<readonly Installed[]>
  /** New tokens for old ones. Where the vendor rotates them, the old ones are good no more. */
  refresh(tokens: Tokens): Promise<Tokens>
  /** Gives the tokens back, where the vendor takes them. */
  revoke(tokens: Tokens): Promise<void>
  /** Has the vendor send its events to us. @returns the tokens with what that brought */
  listen?(installed: Installed, hooksUrl: string): Promise<Tokens>
}

/** A stored install; `sealed` is what only the operator's key opens. */
export interface InstallRow {
  readonly channel: ChannelName
  readonly account: string
  readonly name: string
  readonly sealed: string
  /** Grows with every change of the tokens. */
  readonly version: number
  readonly installedAt: Date
}

/** What is stored of installs; their tokens are sealed before they come here. */
export interface InstallStore {
  list(): Promise<readonly InstallRow[]>
  get(channel: ChannelName, account: string): Promise<InstallRow | undefined>
  /** Sets an install, whatever was there. */
  save(channel: ChannelName, account: string, name: string, sealed: string): Promise<void>
  /** Replaces tokens that were read at a version. @returns false when somebody else was faster */
  replace(channel: ChannelName, account: string, basedOn: number, sealed: string): Promise<boolean>
  /** @returns false when there was none */
  remove(channel: ChannelName, account: string): Promise<boolean>
}

/** The workspaces and sites that Muster was installed into, with their tokens. */
export interface Installs {
  list(): Promise<readonly InstallRow[]>
  /** What is kept of a channel's installs, as it is: nothing is asked of anybody. */
  kept(channel: ChannelName): Promise<readonly { readonly account: string; readonly tokens: Tokens }[]>
  /** Tokens that are good now, renewed where they run out. @param leases tells processes apart: a refresh token is good once */
  tokens(channel: ChannelName, account: string, leases: Pick<Leases, 'acquire'>): Promise<Tokens | undefined>
  /** Ends an installation that somebody consented to: keeps the tokens, and has events sent. */
  connect(channel: ChannelName, code: string, redirectUri: string): Promise<readonly Installed[]>
  /** Gives the tokens back and forgets them. @returns false when there were none */
  forget(channel: ChannelName, account: string): Promise<boolean>
  /** Closes everything with the key of now, so that the one before is needed no more. */
  reseal(): Promise<void>
  /** Notes something with the tokens. */
  note(channel: ChannelName, account: string, extra: Readonly<Record<string, string>>): Promise<void>
}
