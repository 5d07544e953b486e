import type { Queue } from '../queue/types.ts'
import type { Store } from '../store/types.ts'
import type { Engine } from './engine.ts'

/**
 * Puts back into the queue what the database says is to be done: events without a decision, steps that were running when
 * a process ended, steps that are ready, timers. Safe at any time: what is queued or running already is left alone.
 */
export async function recover({
  store,
  queue,
  engine,
}: {
  store: Pick<Store, 'tasks' | 'inbox'>
  queue: Pick<Queue, 'add'>
  engine: Engine
}): Promise<void> {
  for (const eventId of await store.inbox.undecided()) await queue.add({ name: 'inbound', eventId })
  for (const id of await store.tasks.unfinished()) {
    const task = await store.tasks.get(id)
    if (!task) continue
    for (const step of task.steps)
      if (step.status === 'running') await queue.add({ name: 'step', taskId: id, step: step.id, attempt: step.attempt })
    await engine.schedule(task)
  }
}
