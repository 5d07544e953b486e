import type { PluginId } from '../registry.ts'
import type { StepDefinition, WorkflowDefinition } from './define.ts'

/** What stands for the definitions of a plug-in that is not here: what was done is shown, and nothing goes on. */

export function absentWorkflow(name: PluginId): WorkflowDefinition {
  return {
    name,
    opensBy: [],
    steps: [],
    gates: [],
    stages: [],
    follows: [],
    movesTickets: false,
    endsWithIssue: () => true,
    // Kept for when it is there again.
    readsWords: () => true,
    mayRelease: () => false,
    isFulfilled: () => true,
    isQuestion: false,
  }
}

export function absentStep(kind: PluginId): StepDefinition {
  const [, own = kind] = kind.split('/')
  return {
    kind,
    role: kind,
    name: own,
    phase: { name: own, countsRounds: false },
    needs: [],
    costs: true,
    wanted: () => [],
    when: () => false,
  }
}
