import type { WorkflowDefinition } from '../../src/core/workflows/define.ts'

/** What a small workflow of a test says about itself. */
export const LIGHT: Omit<WorkflowDefinition, 'name' | 'steps' | 'stages'> = {
  opensBy: [],
  gates: [],
  follows: [],
  movesTickets: false,
  endsWithIssue: () => true,
  readsWords: () => true,
  mayRelease: () => false,
  isFulfilled: () => true,
  isQuestion: false,
}
