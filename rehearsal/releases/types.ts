import type { ServerChild } from '../child.ts'
import type { Stage } from '../stage.ts'

/** One thing that a story of releases has to show, looked up from the outside. */
export interface Check {
  readonly what: string
  readonly ok: boolean
  /** What was seen instead. */
  readonly seen?: string | undefined
}

/** A story of releases: no model has a part in it. */
export interface ReleaseStory {
  /** What it shows, in a sentence. */
  readonly about: string
  /** Changes the sample repository before it is imported. */
  readonly prepare: (folder: string, ports: readonly number[]) => void
  readonly play: (scene: ReleaseScene) => Promise<readonly Check[]>
}

export interface ReleaseScene {
  readonly stage: Stage
  readonly server: ServerChild
  readonly patienceMs: number
  /** What people are about to do, for whoever watches. */
  readonly say: (text: string) => void
}
