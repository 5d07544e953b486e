import { createRequire } from 'node:module'

/** The time at which the samples were sent, in ms. */
export const NOW = 1_800_000_000_000

/** One payload of each kind that the services send, as they document it: what generated inputs are made from. */
export const user = { id: 1, login: 'alice', type: 'User' }
export const examples = (
  createRequire(import.meta.url)('@octokit/webhooks-examples/api.github.com/index.json') as {
    name: string
    examples: object[]
  }[]
)
  .filter(({ name }) =>
    /^(issues|issue_comment|pull_request|pull_request_review|pull_request_review_comment|check_run)$/.test(name),
  )
  .flatMap(({ name, examples: some }) =>
    some.map((payload) => ({ name, payload: { ...payload, installation: { id: 7 } } })),
  )
export const slackMessage = {
  type: 'event_callback',
  team_id: 'T1',
  event_id: 'Ev1',
  event_time: 1,
  authorizations: [{ team_id: 'T1', user_id: 'UBOT', is_bot: true }],
  event: {
    type: 'message',
    text: '<@UBOT> fix <https://x|y> in acme/web',
    user: 'U1',
    team: 'T1',
    channel: 'C1',
    channel_type: 'channel',
    ts: '1800000000.000100',
    thread_ts: '1.2',
  },
}
export const slackButton = {
  type: 'block_actions',
  team: { id: 'T1' },
  user: { id: 'U1', team_id: 'T1', name: 'a' },
  channel: { id: 'C1' },
  container: { message_ts: '1.2', channel_id: 'C1' },
  message: { ts: '1.2', thread_ts: '1.1' },
  trigger_id: 't',
  actions: [{ action_id: 'muster:approve', value: 'abcdef0', action_ts: '1.3' }],
}
export const slackHand = {
  type: 'message_action',
  callback_id: 'muster:hand',
  team: { id: 'T1' },
  channel: { id: 'C1' },
  user: { id: 'U1' },
  message: { ts: '1.2', text: 'x', user: 'U2' },
  trigger_id: 't',
}
export const slackForm = {
  type: 'view_submission',
  team: { id: 'T1' },
  user: { id: 'U1' },
  view: {
    id: 'V1',
    callback_id: 'muster:answer',
    private_metadata: '{"room":"C1","thread":"1.2"}',
    state: { values: { q0: { value: { value: 'x' } } } },
  },
}
export const jiraComment = {
  timestamp: NOW,
  webhookEvent: 'comment_created',
  user: { accountId: 'ann' },
  comment: {
    self: 'https://a.atlassian.net/rest/api/2/issue/1/comment/2',
    id: '2',
    body: '[~accountid:me] approve {code}x{code} {quote}y{quote}',
    author: { accountId: 'ann', displayName: 'Ann', accountType: 'atlassian' },
  },
  issue: {
    id: '1',
    key: 'SHOP-1',
    self: 'https://a.atlassian.net/rest/api/2/issue/1',
    fields: {
      summary: 's',
      description: 'd',
      labels: ['muster'],
      project: { key: 'SHOP' },
      creator: { accountId: 'ann' },
    },
  },
}
const jiraItems: readonly object[] = [
  { field: 'assignee', to: 'me', tmpToAccountId: 'me' },
  { field: 'labels', fromString: '', toString: 'muster' },
]
export const jiraUpdate = {
  ...jiraComment,
  comment: undefined,
  webhookEvent: 'jira:issue_updated',
  changelog: { id: '5', items: jiraItems },
}
export const clickupComment = {
  event: 'taskCommentPosted',
  task_id: 'abc1',
  webhook_id: 'w',
  history_items: [
    {
      id: '77',
      date: String(NOW),
      field: 'comment',
      user: { id: 5, username: 'Ann' },
      after: { id: 1 },
      comment: {
        id: '88',
        text_content: '@Muster approve',
        user: { id: 5 },
        comment: [
          { type: 'tag', text: '@Muster', user: { id: 1 } },
          { text: ' approve' },
          { text: '\n', attributes: { blockquote: {} } },
        ],
      },
    },
  ],
}
