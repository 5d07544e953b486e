import type { Task, TaskEvent } from './types.ts'

/** What steps have made, and what they cannot go on without. */
export type MadeEvent = Extract<
  TaskEvent,
  {
    type:
      | 'spec.written'
      | 'answer.written'
      | 'pull.reviewed'
      | 'repository.surveyed'
      | 'design.written'
      | 'artefact.made'
      | 'plugin.missed'
      | 'plugin.found'
  }
>

export function changeMade(task: Task, event: MadeEvent): Task {
  switch (event.type) {
    case 'spec.written':
      return { ...task, spec: event.spec, design: undefined, planHash: undefined }
    case 'answer.written':
      return { ...task, answer: event.answer }
    case 'repository.surveyed':
      return { ...task, survey: event.survey }
    case 'pull.reviewed':
      return { ...task, reviews: [...(task.reviews ?? []), event.reviewed] }
    case 'design.written':
      return { ...task, design: event.design, planHash: event.planHash, elsewhere: event.elsewhere }
    case 'artefact.made':
      return { ...task, artefacts: { ...task.artefacts, [event.step]: event.artefact } }
    case 'plugin.missed':
      return { ...task, missing: event.plugin }
    case 'plugin.found':
      return { ...task, missing: undefined }
  }
}
