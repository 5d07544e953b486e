import { createHmac, randomBytes } from 'node:crypto'
import type { SlackMessage, SlackUser, SlackWorld, Whisper } from './world.ts'

/** How long Slack waits for an answer, and when it tries again (limits.md), the pauses shortened. */
const ACK_MS = 3000
const AGAIN_MS = [0, 500, 2000] as const
const FORM = 'application/x-www-form-urlencoded'

/** What people do in the rehearsal's Slack. Each of it reaches Muster as Slack would tell it: signed, and again when nobody answers. */
export class SlackPeople {
  readonly #world: SlackWorld
  readonly #now: () => number

  constructor(world: SlackWorld, now: () => number = Date.now) {
    this.#world = world
    this.#now = now
  }

  /** Says something in a channel or a thread; `@muster` is the app. A mention arrives twice, as in Slack. */
  async say(user: SlackUser, channel: string, words: string, thread?: string): Promise<SlackMessage> {
    const world = this.#world
    const text = words
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('@muster', `<@${world.bot.id}>`)
    const message = world.add({ channel, thread, user: user.id, byApp: false, text })
    world.onSeen(user.name, thread ? 'replied in' : 'wrote in', `#${world.channels.get(channel)}`, words)
    const event = {
      user: user.id,
      ...(user.homeTeam === world.team.id ? {} : { user_team: user.homeTeam, source_team: user.homeTeam }),
      text,
      ts: message.ts,
      team: user.homeTeam,
      channel,
      event_ts: message.ts,
      ...(thread ? { thread_ts: thread } : {}),
    }
    const both = [this.event({ ...event, type: 'message', channel_type: 'channel' })]
    if (text.includes(`<@${world.bot.id}>`)) both.push(this.event({ ...event, type: 'app_mention' }))
    await Promise.all(both)
    return message
  }

  /** Delivers an event. @param id the same again is a repeat */
  async event(event: Readonly<Record<string, unknown>>, id = `Ev${randomBytes(6).toString('hex')}`): Promise<void> {
    const { team, bot } = this.#world
    const body = JSON.stringify({
      type: 'event_callback',
      token: 'unused',
      team_id: team.id,
      api_app_id: bot.appId,
      event_id: id,
      event_time: Math.floor(this.#now() / 1000),
      authorizations: [{ enterprise_id: null, team_id: team.id, user_id: bot.id, is_bot: true }],
      event,
    })
    await this.#deliver(body, 'application/json')
  }

  /** Presses a button on a message, by its label. */
  async press(user: SlackUser, message: SlackMessage, label: string): Promise<void> {
    const element = elementsOf(message).find((one) => one.text.text === label)
    if (!element) throw new Error(`there is no button "${label}" on that message`)
    const { team, bot } = this.#world
    this.#world.onSeen(user.name, 'pressed', `"${label}"`, '')
    const payload = {
      type: 'block_actions',
      team: { id: team.id, domain: team.domain },
      user: { id: user.id, username: user.name, name: user.name, team_id: user.homeTeam },
      api_app_id: bot.appId,
      container: { type: 'message', message_ts: message.ts, channel_id: message.channel },
      trigger_id: this.#world.trigger(user.id),
      channel: { id: message.channel, name: this.#world.channels.get(message.channel) },
      message: { type: 'message', ts: message.ts, ...(message.thread ? { thread_ts: message.thread } : {}) },
      actions: [{ ...element, type: 'button', action_ts: this.#world.ts() }],
    }
    await this.#interact(payload)
  }

  /** `/muster …` in a channel. */
  async command(user: SlackUser, channel: string, text: string): Promise<void> {
    const { team } = this.#world
    this.#world.onSeen(user.name, 'typed', `/muster ${text}`, '')
    const form = {
      token: 'unused',
      team_id: team.id,
      team_domain: team.domain,
      channel_id: channel,
      channel_name: this.#world.channels.get(channel) ?? '',
      user_id: user.id,
      user_name: user.name,
      command: '/muster',
      text,
      trigger_id: this.#world.trigger(user.id),
      response_url: this.#world.responder(user.id, channel),
    }
    await this.#deliver(new URLSearchParams(form).toString(), FORM)
  }

  /** "Hand to Muster" on a message. */
  async hand(user: SlackUser, message: SlackMessage): Promise<void> {
    const { team, channels } = this.#world
    await this.#interact({
      type: 'message_action',
      callback_id: 'muster:hand',
      trigger_id: this.#world.trigger(user.id),
      team: { id: team.id, domain: team.domain },
      user: { id: user.id, username: user.name, name: user.name, team_id: user.homeTeam },
      channel: { id: message.channel, name: channels.get(message.channel) },
      message: {
        type: 'message',
        user: message.user,
        ts: message.ts,
        text: message.text,
        ...(message.thread ? { thread_ts: message.thread } : {}),
      },
    })
  }

  /** Presses a button on what only this person sees. */
  async pressWhisper(user: SlackUser, whisper: Whisper, label: string): Promise<void> {
    const element = elementsOf(whisper).find((one) => one.text.text === label)
    if (!element) throw new Error(`there is no button "${label}"`)
    const { team } = this.#world
    await this.#interact({
      type: 'block_actions',
      team: { id: team.id, domain: team.domain },
      user: { id: user.id, username: user.name, name: user.name, team_id: user.homeTeam },
      container: { type: 'message', message_ts: whisper.ts, channel_id: whisper.channel, is_ephemeral: true },
      trigger_id: this.#world.trigger(user.id),
      response_url: this.#world.responder(user.id, whisper.channel),
      channel: { id: whisper.channel },
      actions: [{ ...element, type: 'button', action_ts: this.#world.ts() }],
    })
  }

  /** Fills in the form that is open before somebody, and sends it. @param values by the name of the block */
  async submit(user: SlackUser, values: Readonly<Record<string, string>>): Promise<void> {
    const open = this.#world.views.findLast((one) => one.user === user.id)
    if (!open) throw new Error('no form is open')
    const { team } = this.#world
    const state = Object.entries(values).map(([name, value]) => {
      const picked = name === 'repository'
      return [
        name,
        { value: picked ? { type: 'static_select', selected_option: { value } } : { type: 'plain_text_input', value } },
      ]
    })
    await this.#interact({
      type: 'view_submission',
      team: { id: team.id, domain: team.domain },
      user: { id: user.id, username: user.name, name: user.name, team_id: user.homeTeam },
      view: { ...open.view, id: open.id, state: { values: Object.fromEntries(state) } },
    })
  }

  /** Looks at Muster's tab. */
  async openHome(user: SlackUser): Promise<void> {
    await this.event({
      type: 'app_home_opened',
      user: user.id,
      channel: `D${user.id}`,
      tab: 'home',
      event_ts: this.#world.ts(),
    })
  }

  /** Shares an address of Muster's own. */
  async share(user: SlackUser, channel: string, url: string): Promise<SlackMessage> {
    const message = await this.say(user, channel, url)
    const links = [{ url, domain: new URL(url).host }]
    await this.event({
      type: 'link_shared',
      user: user.id,
      channel,
      message_ts: message.ts,
      links,
      event_ts: this.#world.ts(),
    })
    return message
  }

  async #interact(payload: object): Promise<void> {
    await this.#deliver(new URLSearchParams({ payload: JSON.stringify(payload) }).toString(), FORM)
  }

  async #deliver(body: string, type: string): Promise<void> {
    // No address is entered yet.
    if (this.#world.eventsUrl === '') return
    for (const [attempt, pause] of [undefined, ...AGAIN_MS].entries()) {
      if (pause !== undefined) await new Promise((done) => setTimeout(done, pause))
      if (await this.#post(body, type, attempt)) return
    }
  }

  async #post(body: string, type: string, attempt: number): Promise<boolean> {
    const timestamp = String(Math.floor(this.#now() / 1000))
    const signature = createHmac('sha256', this.#world.signingSecret).update(`v0:${timestamp}:${body}`).digest('hex')
    return fetch(this.#world.eventsUrl, {
      method: 'POST',
      body,
      headers: {
        'content-type': type,
        'x-slack-request-timestamp': timestamp,
        'x-slack-signature': `v0=${signature}`,
        ...(attempt > 0 ? { 'x-slack-retry-num': String(attempt), 'x-slack-retry-reason': 'http_error' } : {}),
      },
      signal: AbortSignal.timeout(ACK_MS),
    }).then(
      (answer) => answer.ok,
      () => false,
    )
  }
}

interface Element {
  readonly action_id: string
  readonly value: string
  readonly text: { readonly text: string }
}

function elementsOf({ blocks }: Pick<SlackMessage, 'blocks'>): Element[] {
  return blocks.flatMap((block) => {
    const elements: unknown =
      typeof block === 'object' && block !== null && Reflect.get(block, 'type') === 'actions'
        ? Reflect.get(block, 'elements')
        : []
    return Array.isArray(elements) ? (elements as Element[]) : []
  })
}
