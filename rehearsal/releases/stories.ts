import { bisect } from './bisect.ts'
import { canary } from './canary.ts'
import { queue } from './queue.ts'
import { regression } from './regression.ts'
import type { ReleaseStory } from './types.ts'

/** Every story of releases, one line each. */
export const RELEASE_STORIES: Readonly<Record<string, ReleaseStory>> = { queue, regression, canary, bisect }
