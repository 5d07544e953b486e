import type { Step, Task } from '../task/types.ts'
import { type Block, brief, dollars, link, list, type Own, paragraph, say, value } from './document.ts'

const ENDS = { done: 'done', cancelled: 'cancelled', handed_off: 'handed over to people' } as const

/** The tasks that this one waits for, or waited for, each with its issue. */
export function childrenBlocks({ steps }: Pick<Task, 'steps'>): Block[] {
  return steps.flatMap(({ children = [] }) => {
    if (children.length === 0) return []
    const open = children.filter(({ ended }) => !ended).length
    const how = open > 0 ? say`waiting for ${open} of ${children.length}` : say`all have ended`
    return [paragraph(say`**Tasks of its own**, ${how}:`), list(children.map(lineOf))]
  })
}

function lineOf({ title, url, ended }: NonNullable<Step['children']>[number]): Own {
  const name = url ? link(url, title, 120) : value(title, 120)
  if (!ended) return say`${name} — *under way*`
  return say`${name} — ${ENDS[ended.status]}, ${dollars(ended.costUsd)}: ${brief(ended.outcome, 200)}`
}
