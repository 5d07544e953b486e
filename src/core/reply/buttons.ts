import type { Button } from '../effects.ts'
import type { Task } from '../task/types.ts'
import { dollars } from './document.ts'

/** The decisions that are open, as buttons. Each carries what it binds to, so that a press on an old message decides nothing new. */
export function buttonsOf(task: Task): Button[] {
  const { gate } = task
  if (task.status === 'cancelled' || task.status === 'done') return []
  const cancel: Button = { label: 'Cancel', action: 'cancel', value: task.id, style: 'plain' }
  const retry: Button = { label: 'Retry', action: 'retry', value: task.id, style: 'primary' }
  if (!gate) {
    const stopped = task.status === 'handed_off' || task.steps.some((step) => step.status === 'failed' || step.parked)
    return stopped ? [retry, cancel] : [cancel]
  }
  if (gate.kind === 'question') return [{ label: 'Answer', action: 'answer', value: task.id, style: 'primary' }, cancel]
  if (gate.kind === 'budget') {
    const usd = Math.max(1, Math.round(task.settings.budgetUsd))
    return [{ label: `Continue +${dollars(usd)}`, action: 'continue', value: String(usd), style: 'primary' }, cancel]
  }
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
