import type { RunnerDeps } from '../../src/workflow/runner.ts'
import { BARE_MACHINE } from './machine.ts'

/** What a step's runner has beside its own work, for steps that use none of it. */
export const NOTHING_ELSE = {
  picturesOf: async () => [],
  after: () => () => {},
  router: {} as never,
  nonceOf: () => 'abc123',
  toolsFor: () => [],
  git: {} as never,
  releases: {} as never,
  machine: BARE_MACHINE,
  apart: async () => 'over' as const,
} satisfies Partial<RunnerDeps>
