import type { Unheard } from '../../core/heard.ts'
import type { Said, SaidWhat } from '../../core/said.ts'
import { jsonIn } from '../../core/json.ts'
import { Assignee, type ClickupPayload, type CommentPiece, Payload, Tag } from './schema.ts'

type Item = NonNullable<ClickupPayload['history_items']>[number]

/** Reads a stored webhook, which never brings the ticket's own texts. Pure; every input has an answer. @param own Muster's own account in the workspace */
export function normalise(body: Uint8Array, team: string, own: string | undefined): Said | Unheard {
  const parsed = Payload.safeParse(jsonIn(body))
  if (!parsed.success)
    return {
      ignored: 'malformed',
      detail: `a webhook without ${parsed.error.issues[0]?.path.join('.') || 'what is needed'}`,
    }
  const { event, task_id, history_items = [] } = parsed.data
  const [item] = history_items
  if (task_id === undefined) return { ignored: 'not_for_us', detail: `nothing is done on ${event}` }
  const what = event === 'taskDeleted' ? ({ type: 'gone' } as const) : item && read(event, item, own)
  if (!what) return { ignored: 'malformed', detail: `${event} without what was changed` }
  if ('ignored' in what) return what
  const user = item?.comment?.user ?? item?.user
  if (!user && what.type !== 'gone') return { ignored: 'malformed', detail: `${event} without its author` }
  if (user && user.id === own) return { ignored: 'own_text', detail: 'written by Muster itself' }
  return {
    kind: event,
    surface: { channel: 'clickup', team, ticket: task_id },
    by: {
      channel: 'clickup',
      account: team,
      id: user?.id ?? '',
      name: user?.username ?? user?.id ?? '',
      isBot: false,
      isStranger: false,
    },
    writtenAt: Number(item?.date ?? Number.NaN),
    what,
  }
}

function read(event: string, item: Item, own: string | undefined): SaidWhat | Unheard {
  switch (event) {
    case 'taskCommentPosted': {
      if (!item.comment) return { ignored: 'malformed', detail: 'a comment without its text' }
      const { comment: pieces, text_content: plain = '' } = item.comment
      const { text, mentioned } = pieces ? wordsOf(pieces, own) : { text: plain, mentioned: false }
      return { type: 'text', text, messageId: item.comment.id, mentioned, ticket: undefined }
    }
    case 'taskAssigneeUpdated': {
      const assignee = Assignee.safeParse(item.after)
      if (!assignee.success) return { ignored: 'not_for_us', detail: 'nobody was assigned' }
      return own !== undefined && assignee.data.id === own
        ? { type: 'assigned', ticket: undefined }
        : { ignored: 'not_for_us', detail: 'somebody else was assigned' }
    }
    case 'taskTagUpdated': {
      const tags = Tag.safeParse(item.after)
      if (!tags.success) return { ignored: 'not_for_us', detail: 'no tag was put on' }
      return { type: 'labelled', labels: tags.data.map((tag) => tag.name), ticket: undefined }
    }
    case 'taskCommentUpdated':
      return { ignored: 'edited', detail: 'only what is newly written counts' }
    default:
      return { ignored: 'not_for_us', detail: `nothing is done on ${event.slice(0, 60)}` }
  }
}

/** The pieces of a comment as Markdown: code and quotes are marked, Muster's own mention becomes `@muster`. */
function wordsOf(pieces: readonly CommentPiece[], own: string | undefined): { text: string; mentioned: boolean } {
  let mentioned = false
  let line = ''
  const lines: string[] = []
  for (const piece of pieces) {
    if (piece.type === 'tag') {
      const mine = own !== undefined && piece.user?.id === own
      mentioned ||= mine
      line += mine ? '@muster' : (piece.text ?? '')
      continue
    }
    const parts = (piece.text ?? '').split('\n')
    for (const [index, part] of parts.entries()) {
      line += piece.attributes?.code && part ? `\`${part}\`` : part
      if (index === parts.length - 1) break
      // What a line is stands at its end.
      const mark = piece.attributes?.['code-block'] ? '    ' : piece.attributes?.blockquote ? '> ' : ''
      lines.push(mark + line)
      line = ''
    }
  }
  return { text: [...lines, line].join('\n').trimEnd(), mentioned }
}
