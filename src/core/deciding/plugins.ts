import { missingEvents } from '../task/missing.ts'
import type { Task } from '../task/types.ts'
import { accepted, type Decided, ignored } from './commands.ts'

/** The process that looks knows other plug-ins than the one before. */
export function lookForPlugin(task: Task): Decided {
  const events = missingEvents(task)
  return events.length > 0 ? accepted('plugins_looked_at', events) : ignored('nothing_missing')
}
