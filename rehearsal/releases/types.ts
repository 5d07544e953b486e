import type { ServerChild } from '../child.ts'
import type { Stage } from '../stage.ts'

/** One thing that a story of releases has to show, looked up from the outside. */
export interface Check {
  readonly what: string
  readonly ok: boolean
  /** What was seen instead. */
  readonly seen?: string | undefined
}

/** A container engine that serves on this machine, and what it takes. */
export interface Containers {
  /** What the server is told of it. */
  readonly env: Readonly<Record<string, string>>
  /** Takes the images away that the rehearsal has made. */
  readonly clean: () => Promise<void>
}

/** A story of releases. */
export interface ReleaseStory {
  /** What it shows, in a sentence. */
  readonly about: string
  /** The recorded words of the model, where it has a part. */
  readonly script?: string
  /** Looks for a container engine, where the story is told in containers if it can be. */
  readonly equip?: (say: (text: string) => void) => Promise<Containers | undefined>
  /** Changes the sample repository before it is imported. */
  readonly prepare: (folder: string, ports: readonly number[], containers: Containers | undefined) => void
  readonly play: (scene: ReleaseScene) => Promise<readonly Check[]>
}

export interface ReleaseScene {
  readonly stage: Stage
  readonly server: ServerChild
  readonly patienceMs: number
  readonly containers: Containers | undefined
  /** The ports that it was prepared with. */
  readonly ports: readonly number[]
  /** What people are about to do, for whoever watches. */
  readonly say: (text: string) => void
}
