import type { Finding } from '../core/finding.ts'
import { fileFor, newFilePatch, SETTINGS_PATH } from '../core/survey.ts'
import { Look } from './look.ts'
import type { StepContext } from './types.ts'

/** A first look at a repository, without a model; the settings that would do become a patch. */
export async function survey({ task, git, machine, signal, during }: StepContext) {
  const { repository } = task.origin
  const sha = await git.resolve(repository, repository.defaultBranch)
  const findings: Finding[] = []
  const say = (finding: Finding) => void findings.push(finding)
  const look = new Look({ git, machine, signal, during, repository, sha, settings: task.settings, say })
  const { isReady, proposal } = await look.all()
  const proposed = fileFor(isReady, proposal)
  const note = {
    title: 'Set up Muster',
    summary: `What Muster found out about this repository stands in ${SETTINGS_PATH}.`,
    notDone: '',
  }
  const patch = {
    note,
    answers: [],
    parentSha: sha,
    baseSha: sha,
    diff: newFilePatch(SETTINGS_PATH, proposed),
    files: [SETTINGS_PATH],
  }
  return { kind: 'survey', survey: { sha, findings, isReady, proposed }, patch } as const
}
