import type { EffectResult } from '../../core/effects.ts'
import { asking, type JiraClient } from './client.ts'
import { Subtasks } from './schema.ts'

const MAX_PARTS = 20

/**
 * Sub-tasks for the parts of a ticket, in order. One that is there by its title is not made again; a project without sub-tasks
 * gets none.
 * @param parts titles of one line, as Jira takes them
 */
export async function split(
  { client }: { readonly client: JiraClient },
  issueIdOrKey: string,
  parts: readonly string[],
  mayLeave: () => void,
): Promise<EffectResult> {
  const { fields } = Subtasks.parse(
    await asking(() => client.issues.getIssue({ issueIdOrKey, fields: ['subtasks', 'project'] })),
  )
  const project = await asking(() => client.projects.getProject({ projectIdOrKey: fields.project.id }))
  const type = project.issueTypes?.find(({ subtask }) => subtask === true)?.id
  if (type === undefined) return {}
  const there = new Set(fields.subtasks.map((one) => one.fields.summary))
  for (const summary of parts.slice(0, MAX_PARTS)) {
    if (summary === '' || there.has(summary)) continue
    mayLeave()
    await asking(() =>
      client.issues.createIssue({
        fields: { project: { id: fields.project.id }, parent: { id: issueIdOrKey }, issuetype: { id: type }, summary },
      }),
    )
    there.add(summary)
  }
  return {}
}
