import { firstGate, gateAt } from '../task/steps.ts'
import type { Button } from '../effects.ts'
import { moreUsd } from '../policy.ts'
import type { Task, GateOpened } from '../task/types.ts'
import { dollars } from './document.ts'

/** What a raise of the budget is for: this task, reached for this time. */
export function budgetBinding({ id, budgetGate }: Task): string {
  return `${id} ${budgetGate?.nth ?? 0}`
}

/** What going on without tests is for: this task, as they were run for this time. */
export function baselineBinding(task: Task): string {
  return `${task.id} tests-${gateAt(task, 'baseline')?.attempt ?? 0}`
}

/** The decisions that are open, as buttons. Each carries what it binds to, so that a press on an old message decides nothing new. */
export function buttonsOf(task: Task, gate: GateOpened | undefined = firstGate(task)): Button[] {
  if (task.status === 'cancelled' || task.status === 'done') return []
  const cancel: Button = { label: 'Cancel', action: 'cancel', value: task.id, style: 'plain' }
  const retry: Button = { label: 'Retry', action: 'retry', value: task.id, style: 'primary' }
  if (!gate) {
    const stopped = task.status === 'handed_off' || task.steps.some((step) => step.status === 'failed' || step.parked)
    return stopped ? [retry, cancel] : [cancel]
  }
  if (gate.kind === 'question') return [{ label: 'Answer', action: 'answer', value: task.id, style: 'primary' }, cancel]
  if (gate.kind === 'budget') {
    const usd = moreUsd(task)
    const value = `${usd} ${budgetBinding(task)}`
    return [{ label: `Continue +${dollars(usd)}`, action: 'continue', value, style: 'primary' }, cancel]
  }
  if (gate.kind === 'baseline')
    return [
      retry,
      { label: 'Go on without proof', action: 'continue', value: `0 ${baselineBinding(task)}`, style: 'plain' },
      cancel,
    ]
  const binds = gate.hash
  return [
    {
      label: gate.kind === 'deploy' ? 'Approve deploy' : 'Approve plan',
      action: 'approve',
      value: binds,
      style: 'primary',
    },
    { label: 'Reject', action: 'reject', value: binds, style: 'danger' },
    cancel,
  ]
}
