import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { githubKey, type Heard } from '../../src/core/heard.ts'
import { mayCommand } from '../../src/core/commands/registry.ts'
import type { Document } from '../../src/core/reply/document.ts'
import { noteReply } from '../../src/core/reply/answers.ts'
import { renderMarkdown } from '../../src/channels/github/render.ts'
import { route } from '../../src/core/routing.ts'
import { decideAlone } from '../../src/core/deciding/alone.ts'
import { mayAnswer } from '../../src/core/task/asked.ts'
import { decide } from '../../src/core/deciding/decide.ts'
import type { Task } from '../../src/core/task/types.ts'
import { alice, bob, opened, origin, settings } from '../support/tasks.ts'
import { commandsPage } from '../support/words.print.ts'
import { Driver } from '../support/driver.ts'
import { type At, type Row, WORDS } from '../support/words.ts'

const carol = { id: 3, login: 'carol' }
const NOW = 1_000_000
const plan = { kind: 'plan', hash: 'abcdef1234567890', openedAt: 1000, reason: 'money' } as const
const base = opened().task
const AT: Readonly<Record<At, Task | undefined>> = {
  nothing: undefined,
  work: base,
  tests: new Driver(opened(), 'broken').task,
  question: { ...base, status: 'waiting', gates: [{ kind: 'question', questions: ['per item?'], openedAt: 1000 }] },
  plan: { ...base, status: 'waiting', gates: [plan] },
  deploy: {
    ...base,
    status: 'waiting',
    gates: [{ kind: 'deploy', hash: 'h', sha: 'abc', environment: 'production', openedAt: 1000 }],
  },
  end: { ...base, status: 'done' },
}
const dave = { id: 4, login: 'dave' }
const WHO = { requester: alice, team: bob, reader: carol, author: dave }

function heardFrom({ said, by = 'team' }: Row): Heard {
  const subject = { number: 5, isPullRequest: false, title: 't', body: 'b', author: alice, url: '' }
  return {
    kind: 'issue_comment.created',
    repository: origin.repository,
    sender: { ...WHO[by], isBot: false },
    key: githubKey(origin.repository.id, 5),
    writtenAt: NOW,
    what: { type: 'text', text: said, commentId: 1, subject },
  }
}

/** What becomes of a row, as the inbox goes about it. */
function outcomeOf(row: Row): { is: string; answer: Document | undefined } {
  const at = AT[row.at]
  const task = at && row.by === 'author' ? { ...at, origin: { ...at.origin, author: dave } } : at
  const heard = heardFrom(row)
  const names = { mentions: ['muster'], label: 'muster', botId: 99, environments: ['production'] }
  const way = route(heard, task, names)
  if (way.to === 'ignore') return { is: 'ignored', answer: undefined }
  if (way.to === 'task') return { is: way.command.type, answer: undefined }
  const { command } = way
  const canWrite = row.by !== 'reader' && row.by !== 'author'
  if (command.verb === 'note' && !canWrite) return { is: 'bystander', answer: undefined }
  const by = WHO[row.by ?? 'team']
  const ruling = mayCommand(command.verb, canWrite || mayAnswer(task, by, command.verb))
  if (!ruling.ok) return { is: ruling.reason, answer: noteReply(ruling.detail) }
  if (way.to === 'open') return { is: `open ${command.verb}`, answer: undefined }
  if (!task) {
    const { decision, document } = decideAlone(command, 'muster')
    return { is: decision.reason, answer: document }
  }
  const { decision, reply } = decide(
    task,
    { type: 'person', command, by, canWrite, receivedAt: NOW, writtenAt: NOW, commentId: 1, settings },
    NOW,
  )
  return { is: decision.reason, answer: reply }
}

describe('what is said is taken for what it is', () => {
  it.each(WORDS)('$at: $said', (row) => {
    const { is, answer } = outcomeOf(row)
    expect(row.is.split('|')).toContain(is)
    if (row.answer !== undefined) expect(renderMarkdown(answer ?? [], { redact: (text) => text })).toContain(row.answer)
    else if (is === 'ignored' || is === 'bystander') expect(answer).toBeUndefined()
  })
})

it('is what docs/commands.md says', () => {
  expect(readFileSync(new URL('../../docs/commands.md', import.meta.url), 'utf8')).toBe(commandsPage())
})
