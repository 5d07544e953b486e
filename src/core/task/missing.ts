import { missingPlugin } from '../workflows/registry.ts'
import { isActive } from './steps.ts'
import type { Task, TaskEvent } from './types.ts'

/** A task whose plug-in is gone waits with everything it has, and says so; once it is there again, it goes on. */

/** What is to be told about the plug-in that a task cannot go on without. */
export function missingEvents(task: Task): readonly TaskEvent[] {
  const plugin = missingPlugin(task)
  if (!isActive(task) || plugin === task.missing) return []
  if (plugin !== undefined) return [{ type: 'plugin.missed', plugin }]
  return [{ type: 'plugin.found', plugin: task.missing ?? '' }]
}
