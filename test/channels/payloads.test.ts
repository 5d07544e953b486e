import { createHmac } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as clickupIn from '../../src/channels/clickup/normalise.ts'
import * as clickup from '../../src/channels/clickup/receive.ts'
import * as jiraIn from '../../src/channels/jira/normalise.ts'
import * as jira from '../../src/channels/jira/receive.ts'
import * as slackIn from '../../src/channels/slack/normalise.ts'
import * as slack from '../../src/channels/slack/receive.ts'
import { markdownOf } from '../../src/channels/jira/text.ts'
import { findCommands } from '../../src/core/calls.ts'
import { clickupComment as posted, NOW } from '../support/samples.ts'

const SECRET = 'a-secret-for-tests-only'
const SAMPLES = new URL('../../../shared/samples/', import.meta.url)
const hmac = (text: string | Buffer) => createHmac('sha256', SECRET).update(text).digest('hex')

/** Calls of Slack's, signed as Slack signs them. */
function fromSlack(payload: unknown, options: { form?: boolean; at?: number; type?: string } = {}) {
  const { form = false, at = NOW / 1000 } = options
  const isCommand = typeof payload === 'object' && payload !== null && 'command' in payload
  const text = form
    ? isCommand
      ? new URLSearchParams(payload as Record<string, string>).toString()
      : new URLSearchParams({ payload: JSON.stringify(payload) }).toString()
    : JSON.stringify(payload)
  const headers = {
    'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json',
    'x-slack-request-timestamp': String(at),
    'x-slack-signature': `v0=${hmac(`v0:${at}:${text}`)}`,
  }
  return { headers, body: Buffer.from(text) }
}
const receiveSlack = ({ headers, body }: ReturnType<typeof fromSlack>) => slack.receive(headers, body, SECRET, NOW)
const arrivalIn = (received: ReturnType<typeof slack.receive>) => {
  if (!received.ok || !('arrival' in received)) throw new Error(JSON.stringify(received))
  return received.arrival
}

const message = (extra: object = {}, around: object = {}) => ({
  type: 'event_callback',
  team_id: 'T1',
  event_id: 'Ev1',
  event_time: 1_800_000_000,
  authorizations: [{ team_id: 'T1', user_id: 'UBOT', is_bot: true }],
  event: {
    type: 'message',
    text: '<@UBOT> fix the rounding in quotes acme/web',
    user: 'U1',
    team: 'T1',
    channel: 'C1',
    channel_type: 'channel',
    ts: '1800000000.000100',
    ...extra,
  },
  ...around,
})

describe('Slack', () => {
  it('is believed only with a signature that is right and at most five minutes old', () => {
    const good = fromSlack(message())
    expect(receiveSlack(good).ok).toBe(true)
    const refused = [
      fromSlack(message(), { at: NOW / 1000 - 360 }),
      fromSlack(message(), { at: NOW / 1000 + 360 }),
      { ...good, headers: { ...good.headers, 'x-slack-signature': '' } },
      { ...good, headers: { ...good.headers, 'x-slack-signature': good.headers['x-slack-signature'].slice(0, -2) } },
      {
        ...good,
        headers: { ...good.headers, 'x-slack-signature': good.headers['x-slack-signature'].replace('v0=', '') },
      },
      { ...good, headers: { ...good.headers, 'x-slack-request-timestamp': 'NaN' } },
      { ...good, headers: { ...good.headers, 'x-slack-request-timestamp': '' } },
      { ...good, body: Buffer.concat([good.body, Buffer.from(' ')]) },
    ]
    for (const call of refused) expect(receiveSlack(call)).toMatchObject({ ok: false, status: 401 })
  })

  it('knows a mention and its twin, and what Slack sends again, as one', () => {
    const words = arrivalIn(receiveSlack(fromSlack(message())))
    const mention = arrivalIn(receiveSlack(fromSlack(message({ type: 'app_mention' }, { event_id: 'Ev2' }))))
    const again = fromSlack(message())
    const retried = {
      ...again,
      headers: { ...again.headers, 'x-slack-retry-num': '1', 'x-slack-retry-reason': 'http_timeout' },
    }
    expect(new Set([words, mention, arrivalIn(receiveSlack(retried))].map((one) => one.deliveryId)).size).toBe(1)
    expect(words).toMatchObject({ source: 'slack', lane: 'slack:T1/C1/1800000000.000100', account: 'slack:T1' })
    expect(arrivalIn(receiveSlack(fromSlack(message({ ts: '1800000001.000100' })))).deliveryId).not.toBe(
      words.deliveryId,
    )
  })

  it('reads who said what, where and when; a mention of Muster is a command like any other', () => {
    const read = (extra: object, around = {}) =>
      slackIn.normalise(arrivalIn(receiveSlack(fromSlack(message(extra, around)))).body)
    expect(read({})).toMatchObject({
      surface: { channel: 'slack', team: 'T1', room: 'C1', thread: '1800000000.000100' },
      by: { id: 'U1', account: 'T1', isBot: false, isStranger: false },
      writtenAt: 1_800_000_000_000,
      what: { type: 'text', text: '@muster fix the rounding in quotes acme/web', mentioned: true },
    })
    expect(
      read({ thread_ts: '1799.1', text: 'yes &lt;b&gt; &amp; <https://x.y|here> <#C9|general> <!channel> <@U7>' }),
    ).toMatchObject({
      surface: { thread: '1799.1' },
      what: { text: 'yes <b> & [here](https://x.y) #general @channel @U7', mentioned: false },
    })
    expect(read({ user: 'U9', user_team: 'T2' })).toMatchObject({ by: { account: 'T2', isStranger: true } })
    expect(read({ subtype: 'bot_message', user: undefined, bot_id: 'B1' })).toMatchObject({ by: { isBot: true } })
    expect(read({ subtype: 'message_changed' })).toMatchObject({ ignored: 'edited' })
    expect(read({ channel_type: 'im', text: 'hello' })).toMatchObject({ what: { mentioned: true } })
  })

  it('takes buttons, the shortcut and the command; answers the question for its address', () => {
    const press = {
      type: 'block_actions',
      team: { id: 'T1' },
      user: { id: 'U2', name: 'bob', team_id: 'T1' },
      trigger_id: '1.2.3',
      channel: { id: 'C1' },
      message: { ts: '2.0', thread_ts: '1.0' },
      actions: [{ type: 'button', action_id: 'muster:approve', value: 'plan:abc', action_ts: '1800000000.5' }],
    }
    const pressed = arrivalIn(receiveSlack(fromSlack(press, { form: true })))
    expect(pressed).toMatchObject({ kind: 'block_actions', lane: 'slack:T1/C1/1.0' })
    expect(slackIn.normalise(pressed.body)).toMatchObject({
      what: { type: 'button', action: 'approve', value: 'plan:abc' },
    })
    const command = {
      command: '/muster',
      team_id: 'T1',
      channel_id: 'C1',
      user_id: 'U1',
      user_name: 'al',
      text: 'status',
      trigger_id: '9.8',
    }
    expect(slackIn.normalise(arrivalIn(receiveSlack(fromSlack(command, { form: true }))).body)).toMatchObject({
      what: { text: '@muster status', mentioned: true },
    })
    const escaped = { ...command, text: 'build &lt;b&gt; for <@U2|bob> in <#C2|shop>, see <https://x.test/a|the page>' }
    expect(slackIn.normalise(arrivalIn(receiveSlack(fromSlack(escaped, { form: true }))).body)).toMatchObject({
      what: { text: '@muster build <b> for @bob in #shop, see [the page](https://x.test/a)' },
    })
    const named = { ...command, text: '<@U0MUSTER|muster> status' }
    const body = arrivalIn(receiveSlack(fromSlack(named, { form: true }))).body
    expect(slackIn.normalise(body, ['U0MUSTER'])).toMatchObject({ what: { text: '@muster status' } })
    expect(receiveSlack(fromSlack({ type: 'url_verification', challenge: 'abc' }))).toMatchObject({
      answer: { body: 'abc' },
    })
  })

  it.each([['null'], ['[]'], ['"x"'], ['{'], ['']])('refuses %s, signed, with 400', (text) => {
    const at = NOW / 1000
    const headers = {
      'content-type': 'application/json',
      'x-slack-request-timestamp': String(at),
      'x-slack-signature': `v0=${hmac(`v0:${at}:${text}`)}`,
    }
    expect(slack.receive(headers, Buffer.from(text), SECRET, NOW)).toMatchObject({ ok: false, status: 400 })
  })
})

const jiraCall = (payload: unknown, extra: Record<string, string> = {}) => {
  const body = Buffer.from(JSON.stringify(payload))
  return { body, headers: { 'x-hub-signature': `sha256=${hmac(body)}`, ...extra } }
}
const receiveJira = ({ body, headers }: ReturnType<typeof jiraCall>) => jira.receive(headers, body, SECRET)
const comment = {
  timestamp: NOW,
  webhookEvent: 'comment_created',
  comment: {
    self: 'https://acme.atlassian.net/rest/api/2/issue/10040/comment/10019',
    id: '10019',
    body: '[~accountid:me] approve\n{quote}no{quote}\n{code}rm{code}',
    author: { accountId: 'ann', displayName: 'Ann', accountType: 'atlassian' },
  },
  issue: {
    id: '10040',
    key: 'SHOP-41',
    self: 'https://acme.atlassian.net/rest/api/2/issue/10040',
    fields: { summary: 'Totals', project: { key: 'SHOP' } },
  },
}

describe('Jira', () => {
  it('is believed only with a right signature', () => {
    const good = jiraCall(comment)
    expect(receiveJira(good).ok).toBe(true)
    for (const signature of ['', 'sha1=abc', good.headers['x-hub-signature'].slice(0, -1), hmac(good.body)])
      expect(receiveJira({ ...good, headers: { 'x-hub-signature': signature } })).toMatchObject({
        ok: false,
        status: 401,
      })
  })

  it('knows a comment and its twin, and what Jira sends again, as one', () => {
    const twin = { ...comment, webhookEvent: 'jira:issue_updated', issue_event_type_name: 'issue_commented' }
    const ids = [comment, twin].map((one) => arrivalIn(receiveJira(jiraCall(one))).deliveryId)
    expect(new Set(ids).size).toBe(1)
    const moved = {
      timestamp: NOW,
      webhookEvent: 'jira:issue_updated',
      issue: comment.issue,
      user: comment.comment.author,
    }
    const again = { 'x-atlassian-webhook-identifier': 'w-1', 'x-atlassian-webhook-retry': '1' }
    expect(arrivalIn(receiveJira(jiraCall(moved, again))).deliveryId).toBe('w-1')
  })

  it('hears a comment of an old server, which gives it no type, and neither an edited one nor an assignment with words', () => {
    const at = '2019-02-16T03:10:01.840+0000'
    const old = (extra: object, updated = at) => ({
      ...comment,
      webhookEvent: 'jira:issue_updated',
      user: comment.comment.author,
      comment: { ...comment.comment, created: at, updated },
      ...extra,
    })
    const read = (payload: unknown) => jiraIn.normalise(arrivalIn(receiveJira(jiraCall(payload))).body, 'me')
    expect(read(old({}))).toMatchObject({ by: { id: 'ann' }, what: { type: 'text', mentioned: true } })
    expect(arrivalIn(receiveJira(jiraCall(old({})))).deliveryId).toBe('comment:acme.atlassian.net:10019')
    expect(read(old({ changelog: { items: [{ field: 'status' }] } }))).toMatchObject({ what: { type: 'text' } })
    expect(read(old({}, '2019-02-17T00:00:00.000+0000'))).toMatchObject({ ignored: 'not_for_us' })
    const assigned = { changelog: { items: [{ field: 'assignee', tmpToAccountId: 'me' }] } }
    expect(read(old(assigned))).toMatchObject({ what: { type: 'assigned' } })
  })

  it('reads wiki markup and documents alike: mentions, quotes and code are what they are', () => {
    expect(jiraIn.normalise(arrivalIn(receiveJira(jiraCall(comment))).body, 'me')).toMatchObject({
      surface: { channel: 'jira', site: 'acme.atlassian.net', ticket: '10040', name: 'SHOP-41' },
      by: { id: 'ann', name: 'Ann' },
      what: { mentioned: true, text: '@muster approve\n\n> no\n\n\n```\nrm\n```', ticket: undefined },
    })
    const adf = {
      type: 'doc',
      content: [
        {
          type: 'paragraph',
          content: [
            { type: 'mention', attrs: { id: 'me', text: '@Muster' } },
            { type: 'text', text: ' approve' },
          ],
        },
        { type: 'codeBlock', content: [{ type: 'text', text: '@muster deploy' }] },
      ],
    }
    const document = { ...comment, comment: { ...comment.comment, body: adf } }
    expect(jiraIn.normalise(arrivalIn(receiveJira(jiraCall(document))).body, 'me')).toMatchObject({
      what: { mentioned: true, text: '@muster approve\n\n\n```\n@muster deploy\n```' },
    })
  })

  it('reads documents as the tree that they are: nothing in code, struck, in a panel, a cell or an expand is a command', () => {
    const me = { type: 'mention', attrs: { id: 'me', text: '@Muster' } }
    const words = (text: string, ...marks: string[]) => ({ type: 'text', text, marks: marks.map((type) => ({ type })) })
    const said = { type: 'paragraph', content: [me, words(' approve')] }
    const read = (...content: unknown[]) =>
      findCommands(markdownOf({ type: 'doc', content }, 'me').text, ['muster']).map(({ verb }) => verb)
    expect(read(said)).toEqual(['approve'])
    expect(
      read({ type: 'paragraph', content: [words('Fine.'), { type: 'hardBreak' }, me, words(' approve')] }),
    ).toEqual(['approve'])
    for (const aside of ['panel', 'expand', 'nestedExpand', 'blockquote'])
      expect(read({ type: aside, content: [said] }), aside).toEqual([])
    expect(
      read({ type: 'table', content: [{ type: 'tableRow', content: [{ type: 'tableCell', content: [said] }] }] }),
    ).toEqual([])
    for (const mark of ['code', 'strike'])
      expect(read({ type: 'paragraph', content: [words('@muster approve', mark)] }), mark).toEqual([])
    for (const code of ['@muster approve', '```\n@muster approve', 'a\n```\n\n@muster approve\n\n````'])
      expect(read({ type: 'codeBlock', content: [{ type: 'text', text: code }] }, said), code).toEqual(['approve'])
    for (const list of ['bulletList', 'orderedList'])
      expect(read({ type: list, content: [{ type: 'listItem', content: [said] }] })).toEqual([])
    expect(markdownOf('{panel:title=x}\n[~me] approve\n{panel}', 'me').text).toBe('> @muster approve')
  })
})

const clickupCall = (payload: unknown) => {
  const body = Buffer.from(JSON.stringify(payload))
  return clickup.receive({ 'x-signature': hmac(body) }, body, SECRET, '9')
}

describe('ClickUp', () => {
  it('is believed only with a right signature, and repeats itself under one id', () => {
    const body = Buffer.from(JSON.stringify(posted))
    expect(clickup.receive({ 'x-signature': `${hmac(body)}0` }, body, SECRET, '9')).toMatchObject({
      ok: false,
      status: 401,
    })
    expect(clickup.receive({}, body, SECRET, '9')).toMatchObject({ ok: false, status: 401 })
    expect(arrivalIn(clickupCall(posted))).toMatchObject({
      deliveryId: 'abc1:comment:88',
      lane: 'clickup:9/abc1',
      account: 'clickup:9',
    })
  })

  it('reads comments, assignments and tags', () => {
    const read = (payload: unknown) => clickupIn.normalise(arrivalIn(clickupCall(payload)).body, '9', '1')
    expect(read(posted)).toMatchObject({
      by: { id: '5' },
      what: { type: 'text', text: '> @muster approve', mentioned: true },
    })
    const changed = (event: string, after: unknown) => ({
      ...posted,
      event,
      history_items: [{ id: '1', date: '1', user: { id: 5 }, after }],
    })
    expect(read(changed('taskAssigneeUpdated', { id: 1, username: 'Muster' }))).toMatchObject({
      what: { type: 'assigned' },
    })
    expect(read(changed('taskAssigneeUpdated', { id: 2, username: 'Bob' }))).toMatchObject({ ignored: 'not_for_us' })
    expect(read(changed('taskTagUpdated', [{ name: 'muster' }]))).toMatchObject({
      what: { type: 'labelled', labels: ['muster'] },
    })
    expect(read({ event: 'taskDeleted', task_id: 'abc1', webhook_id: 'w' })).toMatchObject({ what: { type: 'gone' } })
    expect(read(changed('taskMoved', null))).toMatchObject({ ignored: 'not_for_us' })
  })
})

describe.skipIf(!existsSync(SAMPLES))('real payloads', () => {
  it('of Slack all have an answer, and a stable id', () => {
    const all = JSON.parse(readFileSync(new URL('slack/payloads.json', SAMPLES), 'utf8')) as {
      kind: string
      body: unknown
      form: boolean
    }[]
    const kinds = all.map(({ body, form }) => {
      const arrival = arrivalIn(receiveSlack(fromSlack(body, { form })))
      expect(arrival.deliveryId).toMatch(/^[\w:.-]{1,200}$/)
      expect(arrivalIn(receiveSlack(fromSlack(body, { form }))).deliveryId).toBe(arrival.deliveryId)
      const found = slackIn.normalise(arrival.body)
      return 'ignored' in found ? found.ignored : found.what.type
    })
    expect(Map.groupBy(kinds, (kind) => kind).get('malformed') ?? []).toEqual([])
    expect(kinds.filter((kind) => kind === 'text')).toHaveLength(4)
  })

  it('of Jira all have an answer', () => {
    const files = readdirSync(new URL('jira/', SAMPLES))
    const found = files.map((file) => {
      const payload: unknown = JSON.parse(readFileSync(new URL(`jira/${file}`, SAMPLES), 'utf8'))
      const read = jiraIn.normalise(arrivalIn(receiveJira(jiraCall(payload))).body, '5cedcb4355a88a0fc86388ba')
      return [file.replace(/^webhook-|\.json$/g, ''), 'ignored' in read ? read.ignored : read.what.type]
    })
    expect(Object.fromEntries(found)).toEqual({
      'cloud-comment-created': 'text',
      'cloud-comment-created-mention-user': 'text',
      'cloud-issue-created-many-fields': 'own_text',
      'issue-assigned-empty-changelog': 'not_for_us',
      'issue-created': 'labelled',
      'issue-created-no-description': 'labelled',
      'issue-deleted': 'gone',
      'issue-updated-assigned': 'not_for_us',
      'issue-updated-edited': 'edited',
      'issue-updated-labels': 'labelled',
      'issue-updated-resolved': 'not_for_us',
      'issue-updated-started-working': 'not_for_us',
      'server-comment-created': 'text',
      'server-issue-updated-commented-2': 'text',
      'server-old-issue-updated-no-event-type-edited': 'edited',
    })
  })
})
