import type { Unheard } from '../../core/heard.ts'
import type { Said, SaidWhat } from '../../core/said.ts'
import { jsonIn } from '../../core/json.ts'
import { FormMemory, HomeOpened, LinkShared, type ViewSubmission } from './schema.ts'
import { FORMS } from './views.ts'

type Submitted = ReturnType<typeof ViewSubmission.parse>

/** A form that was filled in, as if it had been said in the thread that it belongs to. */
export function readForm({ team, user, view }: Submitted): Said | Unheard {
  const account = team?.id ?? user.team_id
  const memory = FormMemory.safeParse(jsonIn(Buffer.from(view.private_metadata ?? '')))
  if (!account || !memory.success) return { ignored: 'not_for_us', detail: 'a form that is none of ours' }
  const { room, thread, event } = memory.data
  const what = answerIn(view, event)
  if (!what) return { ignored: 'malformed', detail: 'a form without what was filled in' }
  const home = user.team_id ?? account
  return {
    kind: 'slack.form',
    surface: { channel: 'slack', team: account, room, thread },
    by: {
      channel: 'slack',
      account: home,
      id: user.id,
      name: user.name ?? user.username ?? user.id,
      isBot: false,
      isStranger: home !== account,
    },
    // A form is filled in now; what it answers is what it was opened for.
    writtenAt: Number.NaN,
    what,
  }
}

function answerIn(
  { callback_id, state, blocks = [] }: Submitted['view'],
  event: string | undefined,
): SaidWhat | undefined {
  const fields = state?.values ?? {}
  if (callback_id === FORMS.repository) {
    const repository = fields['repository']?.['value']?.selected_option?.value
    return repository && event ? { type: 'chosen', repository, event } : undefined
  }
  if (callback_id !== FORMS.answer) return undefined
  const lines = Object.entries(fields).flatMap(([name, inputs], index) => {
    const value = inputs['value']?.value?.trim()
    const label = blocks.find(({ block_id }) => block_id === name)?.label?.text ?? ''
    return value ? [`${index + 1}. ${label}\n${value}`] : []
  })
  const text = `@muster answer ${lines.join('\n')}`
  return lines.length > 0 ? { type: 'text', text, messageId: '', mentioned: true, ticket: undefined } : undefined
}

/** Somebody looks at Muster's tab. */
export function readHome(team: string, event: unknown): Said | Unheard {
  const opened = HomeOpened.safeParse(event)
  if (!opened.success || opened.data.tab === 'messages')
    return { ignored: 'not_for_us', detail: 'nothing is shown there' }
  const { user } = opened.data
  return {
    kind: 'slack.home',
    surface: { channel: 'slack', team, room: user, thread: 'home' },
    by: { channel: 'slack', account: team, id: user, name: user, isBot: false, isStranger: false },
    writtenAt: Number.NaN,
    what: { type: 'home' },
  }
}

/** Somebody shared an address of Muster's own. */
export function readShared(team: string, event: unknown): Said | Unheard {
  const shared = LinkShared.safeParse(event)
  if (!shared.success) return { ignored: 'malformed', detail: 'shared links without what is needed' }
  const { user, channel, message_ts: messageId, thread_ts, links } = shared.data
  return {
    kind: 'slack.links',
    surface: { channel: 'slack', team, room: channel, thread: thread_ts ?? messageId },
    by: { channel: 'slack', account: team, id: user, name: user, isBot: false, isStranger: false },
    writtenAt: Number.NaN,
    what: { type: 'shared', urls: links.map(({ url }) => url), messageId },
  }
}
