import type { EnvironmentSettings } from '../../core/settings.ts'
import type { ApplyInput, Environment, ReleaseRow } from '../types.ts'

/** What of a deploy it takes to make a release ready. */
export type Preparing = Pick<ApplyInput, 'signal' | 'tools' | 'unpack'> & { readonly settings: EnvironmentSettings }

/** How releases run on this machine: each outlives the process that starts it. */
export interface Runner {
  /** Makes it ready to be started, from nothing. @returns with how it is started @throws UserError */
  prepare(row: ReleaseRow, preparing: Preparing): Promise<ReleaseRow>
  /** Starts it on a port of this machine; answered as soon as it runs. @returns with what tells it again */
  start(row: ReleaseRow, port: number, healthSeconds: number): Promise<ReleaseRow>
  /** It is found healthy before it is started: afterwards nobody has to ask. */
  readonly isTried?: true | undefined
  isAlive(row: ReleaseRow): Promise<boolean>
  /** Asks it to end, and makes it; nothing where it does not run. */
  stop(row: ReleaseRow): Promise<void>
  /** Told who is live, and with which share beside whom, before requests are passed on to it, where that is more than passing them on. @throws UserError; then it is as it was */
  lead?(live: ReleaseRow, beside: ReleaseRow | undefined): Promise<void>
  /** What a deploy would change, in lines for people; nothing is changed. @param dir a folder with the files of the commit @throws UserError where it could not be deployed */
  preview?(environment: Environment, dir: string): Promise<readonly string[]>
  /** What it has printed until now is kept with it, where that stands elsewhere. */
  keepLog?(row: ReleaseRow): Promise<void>
  /** It is kept no more: what there is of it beside its folder goes. @param kept those of its environment that are */
  forget(row: ReleaseRow, kept: readonly ReleaseRow[]): Promise<void>
}
