import type { Task } from '../task/types.ts'
import { type Block, brief, joined, list, mono, paragraph, say } from './document.ts'

/** What others are changing at the same time, so that people can say who goes first; nothing once the change is merged. */
export function elsewhereNote(task: Task): Block[] {
  const { elsewhere = [], merged } = task
  if (elsewhere.length === 0 || merged) return []
  return [
    paragraph(say`⚠️ Others are at work on the same:`),
    list(
      elsewhere.map(({ branch, author, sameIssue, files }) => {
        const both =
          files.length > 0
            ? say`changes ${joined(
                files.map((file) => mono(file, 120)),
                say`, `,
              )} too`
            : say`changes other files`
        return say`${mono(branch, 120)}, by ${brief(author, 60)}, ${sameIssue ? say`names this issue and ${both}` : both}`
      }),
      false,
    ),
  ]
}
