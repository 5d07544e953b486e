import { messageOf } from '../core/errors.ts'
import type { Store } from '../store/types.ts'
import type { Workflow } from './types.ts'

export interface PluginTasksDeps {
  readonly store: { readonly tasks: Pick<Store['tasks'], 'ofPlugins'> }
  readonly workflow: Pick<Workflow, 'apply'>
  readonly log: (level: 'info' | 'warn', message: string, fields?: Readonly<Record<string, unknown>>) => void
}

/**
 * Looks at the tasks that need plug-ins, once when a process starts: those whose plug-in is gone wait from now on, and say so;
 * those whose plug-in is there again go on.
 * @returns how many changed
 */
export async function lookAtPlugins({ store, workflow, log }: PluginTasksDeps): Promise<number> {
  let changed = 0
  for (const id of await store.tasks.ofPlugins())
    try {
      const { events } = await workflow.apply(id, { type: 'plugins.look' })
      if (events.length > 0) changed++
    } catch (error) {
      // One that cannot be read keeps no worker from starting.
      log('warn', 'a task of a plug-in could not be looked at', { task: id, error: messageOf(error) })
    }
  if (changed > 0) log('info', 'tasks of plug-ins that came or went', { changed })
  return changed
}
