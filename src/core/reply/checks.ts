import type { Cause, JudgedCheck } from '../ci/types.ts'
import {
  brief,
  code,
  details,
  type Document,
  link,
  list,
  mono,
  type Own,
  paragraph,
  say,
  shortSha,
} from './document.ts'

/** What people are told of checks that failed and that the change is not to blame for, and of those that it is. */

const CAUSES: Readonly<Record<Cause, string>> = {
  ours: 'this change broke it',
  flaky: 'it fails now and then',
  environment: 'the surroundings of CI',
  theirs: 'red without this change as well',
}

function nextText({ cause, isJob }: JudgedCheck): Own {
  switch (cause) {
    case 'ours':
      return say`SD mends it.`
    case 'flaky':
      return isJob
        ? say`I have it run once more; where I may not (the permission *Actions*), please do.`
        : say`It cannot be run once more from here; please do.`
    case 'environment':
    case 'theirs':
      return say`Nothing was changed for it.`
  }
}

/** One message for what failed together. */
export function checksComment(judged: readonly JudgedCheck[]): Document {
  const head = judged[0]?.headSha ?? ''
  const rows = judged.map((one) => {
    const name = one.url ? link(one.url, one.name.slice(0, 100)) : mono(one.name, 100)
    return say`${name}: **${CAUSES[one.cause]}**. ${brief(one.evidence, 600)} ${nextText(one)}`
  })
  const runs = judged.flatMap(({ reproduced }) => (reproduced ? [reproduced] : []))
  return [
    paragraph(say`Checks failed at ${shortSha(head)}, and were looked into:`),
    list(rows),
    ...(runs.length > 0
      ? [
          details(
            'Reproduced: fails with the change, passes without it',
            runs.map((run) => code(`$ ${run.command}\nexit code ${run.exitCode}\n${run.output}`)),
          ),
        ]
      : []),
  ]
}
