import type { EffectBody, EffectResult } from '../core/effects.ts'
import type { Env, EnvProblem, RepositoryMap } from '../core/environment.ts'
import type { Unheard } from '../core/heard.ts'
import type { Arrival } from '../core/inbound.ts'
import type { Cost, Limits } from '../core/rate.ts'
import type { Reading } from '../core/reply/foreign.ts'
import type { ChannelName, Said, Surface } from '../core/said.ts'
import type { Installer, Tokens } from '../installs/types.ts'
import type { CatchUp, CatchUpStore, ChannelFacts, Sender, Tended, Verifier } from './types.ts'

/**
 * A channel beside GitHub: from the environment to what it is here, or undefined where nothing of it is set. What is wrong there is
 * added to the problems. Its libraries are loaded when it is opened, not before. `test/contracts/channels.test.ts` says when one is
 * finished.
 */
export type ChannelModule = (env: Env, problems: EnvProblem[]) => ChannelSetup | undefined

/** A channel as it is switched on. */
export interface ChannelSetup {
  readonly name: ChannelName
  /** Whether the settings name a workspace or site of their own. */
  readonly isFixed: boolean
  /** What must never be shown. */
  readonly secrets: readonly (string | undefined)[]
  /** The services that it asks, by the variables that name them. */
  readonly addresses: readonly (readonly [variable: string, url: string | undefined])[]
  /** Which repository its projects are about. */
  readonly repositories: readonly RepositoryMap[]
  /** The limits of one account there. */
  readonly limits: Limits
  readonly costOf: (body: EffectBody, previous: EffectResult | undefined) => Cost
  /** Opens the workspace or site of the settings; undefined: they name none that can be written to. */
  readonly open?: ((deps: OpenDeps) => Promise<Channel>) | undefined
  /** Who checks its webhooks; undefined: it takes none. */
  readonly verifier?: ((deps: VerifyDeps) => Verifier) | undefined
  /** Reads what needs no token: that the app was removed is told when its token is gone. */
  readonly readEarly?: ((body: Uint8Array) => Said | Unheard) | undefined
  /** Events that come over a connection that we open. */
  readonly socket?: ((deps: SocketDeps) => Socket) | undefined
  /** An app that people install. */
  readonly app?:
    | {
        readonly installer: () => Promise<Installer>
        readonly open: (at: InstalledAt, deps: OpenDeps) => Promise<Channel>
      }
    | undefined
}

/** What a channel consists of, for one workspace or site. */
export interface Channel {
  /** @throws SendError when it has to ask who Muster is there, and gets no answer */
  readonly read: (body: Uint8Array) => Promise<Said | Unheard>
  readonly facts: ChannelFacts
  readonly sender: Sender
  /** @param open the surfaces of tasks that are not finished */
  readonly catchUp: (open: () => Promise<readonly Surface[]>, store: CatchUpStore) => CatchUp
  /** Who Muster is there. @throws when it cannot be asked */
  readonly whoami: () => Promise<string>
  /** Keeps what the vendor would let lapse. */
  readonly tend?: (now: number) => Promise<readonly Tended[]>
}

export interface OpenDeps {
  readonly reading: Reading
  readonly publicUrl: string
}

/** Where the app was installed, and with what. */
export interface InstalledAt {
  readonly account: string
  readonly tokens: Tokens
  /** Notes something with the tokens. */
  readonly note: (extra: Readonly<Record<string, string>>) => Promise<void>
}

export interface VerifyDeps {
  /** A secret that still counts beside the new one, by its variable. */
  readonly previous: (variable: string) => string | undefined
  /** What is kept of the installs, as it is; undefined where nothing can be installed. */
  readonly kept: (() => Promise<readonly { readonly account: string; readonly tokens: Tokens }[]>) | undefined
}

export interface Socket {
  start(): Promise<void>
  stop(): Promise<void>
}

export interface SocketDeps {
  readonly store: (arrival: Arrival) => Promise<void>
  readonly log: (level: 'warn', message: string, fields: Readonly<Record<string, unknown>>) => void
}
