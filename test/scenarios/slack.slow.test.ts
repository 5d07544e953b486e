import { afterEach, expect, it, vi } from 'vitest'
import { type Scene, soon, startScene } from '../support/scene.ts'

vi.setConfig({ testTimeout: 360_000 })

let scene: Scene | undefined
afterEach(async () => {
  await scene?.stop()
  scene = undefined
})

async function withSlack(settings?: (port: number) => string) {
  scene = await startScene({ slack: true, ...(settings ? { settings } : {}) })
  const { slack, stage } = scene
  if (!slack) throw new Error('no Slack')
  const { server, alice, bob, channel } = slack
  const { world, people } = server
  const inThread = (ts: string) => world.thread(channel, ts)
  const link = async (user: { id: string; name: string }, login: string) => {
    const account = stage.world.person(login)
    const answer = await fetch(`${scene?.url}/api/v1/people`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        channel: 'slack',
        account: world.team.id,
        member: user.id,
        name: user.name,
        githubId: account.id,
        login,
      }),
    })
    expect(answer.status).toBe(201)
  }
  return { scene, world, people, alice, bob, channel, inThread, link, stage }
}

it('from a mention in a channel to a proved pull request, with one card in the thread and an issue linked back', async () => {
  const { scene: one, world, people, alice, channel, inThread, link, stage } = await withSlack()
  await link(alice, 'alice')
  const asked = await people.say(alice, channel, '@muster fix the tier for large orders acme/price-service')
  await soon(() => stage.world.issues.length).toBe(1)
  expect(stage.world.issues[0]?.title).toBe('Fix the tier for large orders')
  expect(stage.world.issues[0]?.body).toContain('Asked by')
  await soon(() => asked.reactions).toEqual(['eyes'])
  await soon(async () => (await one.task()).state.pullRequest?.draft, 240_000).toBe(false)
  const cards = inThread(asked.ts).filter((message) => message.byApp && message.edits > 0)
  expect(cards).toHaveLength(1)
  await soon(() => JSON.stringify(cards[0]?.blocks)).toContain('Please review and merge')
  // An edit notifies nobody: whoever reviews is called by a message of its own, which says afterwards what came of it.
  const news = () =>
    inThread(asked.ts)
      .filter((message) => message.byApp && message !== cards[0])
      .map(({ blocks }) => JSON.stringify(blocks))
      .filter((text) => text.includes('proved:'))
  await soon(news).toHaveLength(1)
  expect(news()[0]).toContain(`{"type":"user","user_id":"${alice.id}"}`)
  expect(news()[0]).toContain('Please review and merge')
  await stage.people.merge('bob', (await one.task()).state.pullRequest?.number ?? 0)
  await soon(() => asked.reactions).toEqual(['white_check_mark'])
  await soon(() => news()[0] ?? '').toContain('Merged')
  expect(news()[0]).not.toContain('Please review')
  expect(world.calls.filter((call) => call.error && call.error !== 'already_reacted')).toEqual([])
})

const buttonsOn = (message: { blocks: readonly unknown[] } | undefined) => JSON.stringify(message?.blocks ?? [])

it('does nothing for whoever is nobody on GitHub, tells them how to sign in, and helps everybody', async () => {
  const { scene: one, world, people, bob, channel, inThread, stage } = await withSlack()
  const asked = await people.say(bob, channel, '@muster fix the tier for large orders acme/price-service')
  await soon(() => world.whispers.map(({ user }) => user)).toEqual([bob.id])
  expect(JSON.stringify(world.whispers)).toMatch(/\/link\/[\w-]{32}/)
  const stranger = world.addUser('mallory', { homeTeam: 'T0OTHER000' })
  await people.say(stranger, channel, '@muster fix the tier acme/price-service')
  await soon(async () =>
    (await one.events('&source=slack'))
      .flatMap(({ decision }) =>
        decision?.outcome === 'refused' || decision?.outcome === 'deferred' ? [decision.reason] : [],
      )
      .toSorted(),
  ).toEqual(['permission', 'waits_for_sign_in'])
  stage.world.repos.push({ ...stage.repo, id: 9002, name: 'web' })
  const lost = await people.say(bob, channel, '@muster fix the tier')
  await soon(() =>
    inThread(lost.ts)
      .map((message) => JSON.stringify(message.blocks))
      .join(),
  ).toContain('acme/price-service')
  const help = await people.say(bob, channel, '@muster help')
  await soon(() => JSON.stringify(world.whispers.at(-1)?.blocks)).toContain('approve')
  expect(inThread(help.ts)).toHaveLength(1)
  expect(inThread(asked.ts).filter((message) => message.byApp)).toEqual([])
  expect(stage.world.issues).toEqual([])
  expect(world.whispers).toHaveLength(2)
})

it('learns by one sign-in which GitHub account is whose; the link is good once, and only in the browser it was begun in', async () => {
  const { scene: one, world, people, bob, channel, stage } = await withSlack()
  await people.say(bob, channel, '@muster status acme/price-service')
  const first = await people.say(bob, channel, '@muster fix the tier for large orders acme/price-service')
  await soon(() => world.whispers.length).toBe(1)
  const address = /http:\/\/[^"]+\/link\/[\w-]{32}/.exec(JSON.stringify(world.whispers))?.[0] ?? ''
  const page = await (await fetch(address)).text()
  expect(page).toContain('Is this you?')
  expect(page).toContain(bob.id)
  const begun = await fetch(`${address}/github`, { method: 'POST', redirect: 'manual' })
  const cookie = begun.headers.get('set-cookie')?.split(';')[0] ?? ''
  const signed = await fetch(`${begun.headers.get('location')}&login=bob`, { redirect: 'manual' })
  const back = signed.headers.get('location') ?? ''
  // Another browser, or somebody who sends the answer on, gets nowhere.
  expect((await fetch(back)).status).toBe(400)
  expect(
    (await fetch(back, { headers: { cookie: cookie.slice(0, -1) + (cookie.endsWith('A') ? 'B' : 'A') } })).status,
  ).toBe(400)
  const done = await fetch(back, { headers: { cookie } })
  const said = await done.text()
  expect(said).toContain('is bob on GitHub')
  expect(said).toContain('Muster goes on with what you asked for')
  expect((await fetch(address)).status).toBe(404)
  const { items } = (await (await fetch(`${one.url}/api/v1/people`)).json()) as {
    items: { login: string; githubId: number; how: string }[]
  }
  expect(items).toMatchObject([{ login: 'bob', githubId: stage.world.person('bob').id, how: 'signed in with GitHub' }])
  // What he asked for goes on by itself, once, and in its thread.
  expect(await (await fetch(address)).text()).not.toContain('Is this you?')
  await soon(() => stage.world.issues.length).toBe(1)
  await soon(() => first.reactions).toEqual(['eyes'])
  const kept = (await one.events('&source=slack')).filter(({ deliveryId }) => deliveryId.includes(':signed-in:'))
  expect(kept.map(({ decision }) => decision?.reason)).toEqual(['started'])
  const gone = await fetch(`${one.url}/api/v1/people/slack/${world.team.id}/${bob.id}`, { method: 'DELETE' })
  expect(gone.status).toBe(200)
})

it('takes approvals by button: not from somebody unknown, not for what is old, from a second person', async () => {
  const {
    scene: one,
    people,
    alice,
    bob,
    channel,
    inThread,
    link,
    stage,
  } = await withSlack(() => 'approve_plan: always\nreview: { quiet: 1s }\n')
  await link(alice, 'alice')
  const asked = await people.say(alice, channel, '@muster fix the tier for large orders acme/price-service')
  const plan = () =>
    inThread(asked.ts).find((message) => buttonsOn(message).includes('Approve plan') && message.edits === 0)
  await soon(() => plan() !== undefined).toBe(true)
  const message = plan()
  if (!message) throw new Error('no plan')
  // Bob is nobody on GitHub yet: nothing happens.
  await people.press(bob, message, 'Approve plan')
  await soon(async () =>
    (await one.events('&source=slack')).some((event) => event.decision?.reason === 'not_linked'),
  ).toBe(true)
  expect((await one.task()).state.gate?.kind).toBe('plan')
  await link(bob, 'bob')
  const old = {
    ...message,
    blocks: JSON.parse(
      JSON.stringify(message.blocks).replaceAll(/"value":"[\da-f]{64}"/g, `"value":"${'0'.repeat(64)}"`),
    ) as unknown[],
  }
  await people.press(bob, old, 'Approve plan')
  await soon(async () =>
    (await one.events('&source=slack')).some((event) => event.decision?.reason === 'stale_approval'),
  ).toBe(true)
  await people.press(bob, message, 'Approve plan')
  await soon(async () => (await one.task()).state.gate?.kind ?? 'none').toBe('none')
  await soon(async () => (await one.task()).state.pullRequest?.draft, 240_000).toBe(false)
  expect(stage.world.issues.filter((issue) => !issue.pull)).toHaveLength(1)
})

it('answers a question of a member of the workspace, and opens nothing for it', async () => {
  const { world, people, bob, channel, inThread, stage } = await withSlack()
  const guest = world.addUser('gina', { isGuest: true })
  await people.say(guest, channel, '@muster ask what does it cost? acme/price-service')
  const asked = await people.say(bob, channel, '@muster ask what does it cost? acme/price-service')
  await soon(() => inThread(asked.ts).filter((one) => one.byApp && one.edits === 0).length).toBe(1)
  expect(stage.world.issues).toEqual([])
  await soon(() => world.whispers.map(({ user }) => user)).toEqual([guest.id])
})

it('is called by the name that the repository’s settings give it, as its cards say', async () => {
  const {
    scene: one,
    people,
    alice,
    bob,
    channel,
    inThread,
    link,
  } = await withSlack(() => 'mention: robo\napprove_plan: always\nreview: { quiet: 1s }\n')
  await link(alice, 'alice')
  await link(bob, 'bob')
  const asked = await people.say(alice, channel, '@muster fix the tier for large orders acme/price-service')
  await soon(async () => (await one.task()).state.gate?.kind).toBe('plan')
  await soon(() => JSON.stringify(inThread(asked.ts).map(({ blocks }) => blocks))).toContain('@robo approve')
  await people.say(bob, channel, '@robo aprove', asked.ts)
  await soon(() => JSON.stringify(inThread(asked.ts).map(({ blocks }) => blocks))).toContain('Did you mean')
  await people.say(bob, channel, '@robo approve', asked.ts)
  await soon(async () => (await one.task()).state.gate?.kind).toBe(undefined)
})

it('asks by name, folds the plan to what must be decided, and puts a sign on what came of each word', async () => {
  const { people, alice, channel, inThread, link, stage, scene: one } = await withSlack(() => 'approve_plan: always\n')
  await link(alice, 'alice')
  const asked = await people.say(alice, channel, '@muster fix the tier for large orders acme/price-service')
  const plan = () =>
    inThread(asked.ts).find((message) => buttonsOn(message).includes('Approve plan') && message.edits === 0)
  await soon(() => plan() !== undefined).toBe(true)
  const text = buttonsOn(plan())
  expect(text).toContain(`{"type":"user","user_id":"${alice.id}"}`)
  expect(text).toContain('Done when')
  expect(text).toContain(`"url":"${stage.world.url}/acme/price-service/issues/1","text":"in full"`)
  // The design is folded; GitHub has it.
  const design = stage.world.comments.find(({ body }) => body.includes('<details><summary>Design'))?.body ?? ''
  const [, file = ''] = /\| `([^`]+)` \|/.exec(design) ?? []
  expect(file).not.toBe('')
  expect(text).not.toContain(file)
  const wrong = await people.say(alice, channel, '@muster continue', asked.ts)
  await soon(() => wrong.reactions).toEqual(['warning'])
  const right = await people.say(alice, channel, '@muster approve', asked.ts)
  await soon(() => right.reactions).toEqual(['white_check_mark'])
  await people.say(alice, channel, '@muster cancel', asked.ts)
  await soon(async () => (await one.task()).status).toBe('cancelled')
  await soon(() => asked.reactions).toEqual(['warning'])
})

it('keeps a request until its author signs in, and never a decision; authority is asked when it goes on', async () => {
  const {
    scene: one,
    people,
    alice,
    bob,
    channel,
    inThread,
    link,
    stage,
  } = await withSlack(() => 'approve_plan: always\n')
  await link(alice, 'alice')
  const asked = await people.say(alice, channel, '@muster fix the tier for large orders acme/price-service')
  await soon(async () => (await one.task()).state.gate?.kind).toBe('plan')
  await people.say(bob, channel, '@muster approve', asked.ts)
  const request = await people.say(bob, channel, '@muster fix the rounding acme/price-service')
  const reasons = async () => (await one.events('&source=slack')).map(({ decision }) => decision?.reason)
  await soon(reasons).toEqual(expect.arrayContaining(['not_linked', 'waits_for_sign_in']))
  const mallory = stage.world.addAccount('mallory')
  await link(bob, mallory.login)
  await soon(reasons).toContain('permission')
  await soon(() => inThread(request.ts).map(buttonsOn).join()).toContain('Sorry')
  expect((await one.task()).state.gate?.kind).toBe('plan')
  expect(stage.world.issues).toHaveLength(1)
})
