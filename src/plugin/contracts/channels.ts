import assert from 'node:assert/strict'
import { readChannels } from '../../channels/registry.ts'
import type { ChannelSetup } from '../../channels/module.ts'
import type { EffectBody, Thread, SurfaceBody, SurfaceKind } from '../../core/effects.ts'
import type { EnvProblem } from '../../core/environment.ts'
import {
  channelNames,
  type ChannelName,
  channelTraits,
  type Surface,
  surfaceKey,
  surfaceName,
} from '../../core/said.ts'
import { checks, type ContractCheck } from './check.ts'

/** What a channel is put to the test with. */
export interface ChannelBench {
  /** What it is set by: with a token of one workspace. */
  readonly fixed: Readonly<Record<string, string>>
  /** As an app that people install; undefined: it cannot be installed. */
  readonly app?: Readonly<Record<string, string>> | undefined
  /** A place in it. */
  readonly at: Surface
}

const PLACE: Thread = {
  repository: { id: 9, owner: 'acme', name: 'shop', defaultBranch: 'main', installationId: 7 },
  number: 5,
}

/** One effect of every kind that is seen in another channel; a kind that is forgotten does not compile. */
const EFFECTS: { readonly [Kind in SurfaceKind]: Omit<Extract<SurfaceBody, { kind: Kind }>, 'surface'> } = {
  'card.upsert': { kind: 'card.upsert', place: PLACE },
  message: { kind: 'message', place: PLACE, document: [], buttons: [] },
  'message.upsert': { kind: 'message.upsert', place: PLACE, document: [], buttons: [] },
  chart: { kind: 'chart', place: PLACE, title: 't', series: [] },
  form: { kind: 'form', place: PLACE, trigger: 't', form: { name: 'answer', questions: ['?'] } },
  home: { kind: 'home', place: PLACE, member: 'U1', document: [] },
  unfurl: { kind: 'unfurl', place: PLACE, messageId: '1.2', shown: [] },
  whisper: { kind: 'whisper', place: PLACE, member: 'U1', name: 'alice', document: [] },
  seen: { kind: 'seen', place: PLACE, messageId: '1.2' },
  'mark.upsert': { kind: 'mark.upsert', place: PLACE, messageId: '1.2' },
  'ticket.move': { kind: 'ticket.move', place: PLACE, to: 'done' },
  'ticket.split': { kind: 'ticket.split', place: PLACE, parts: [] },
  'ticket.link': {
    kind: 'ticket.link',
    place: PLACE,
    what: 'deployment',
    url: 'https://x.test',
    title: 't',
    done: false,
  },
}
const KEY = { MUSTER_SECRET_KEY: 'k'.repeat(64) }

/** What a channel beside GitHub owes (the same for every channel); it is in the registries. */
export function channelContract(name: ChannelName, { fixed, app, at }: ChannelBench): readonly ContractCheck[] {
  const read = (env: Readonly<Record<string, string>>) => {
    const problems: EnvProblem[] = []
    return { found: readChannels({ ...env }, problems).of[name], problems }
  }
  const setUp = (env: Readonly<Record<string, string>>): ChannelSetup => {
    const { found, problems } = read({ ...env, ...KEY })
    assert.deepEqual(problems, [])
    assert.ok(found, `${name} is not switched on by ${Object.keys(env).join(', ')}`)
    return found
  }
  return checks({
    'is off where nothing of it is set, and never half on': () => {
      assert.deepEqual(read({}), { found: undefined, problems: [] })
      for (const variable of Object.keys(fixed)) {
        const { [variable]: _, ...rest } = fixed
        if (Object.keys(rest).length === 0) continue
        const told = read(rest).problems.map((one) => one.variable)
        assert.ok(told.includes(variable), `without ${variable} nobody is told`)
      }
    },
    'is switched on by the settings of one workspace, or as an app, and says which': () => {
      const { isFixed, app: none } = setUp(fixed)
      assert.deepEqual([isFixed, none], [true, undefined])
      assert.equal(setUp(fixed).name, name)
      if (!app) return
      const installed = setUp(app)
      assert.equal(installed.isFixed, false)
      assert.ok(installed.app !== undefined && installed.open === undefined)
      assert.equal(setUp({ ...fixed, ...app }).isFixed, true)
    },
    'keeps every secret from being shown, and says whom it asks': () => {
      const env = { ...fixed, ...app }
      const { secrets, addresses } = setUp(env)
      for (const [variable, value] of Object.entries(env))
        if (/TOKEN|SECRET/.test(variable)) assert.ok(secrets.includes(value), `${variable} may be shown`)
      for (const [variable, url] of addresses) assert.ok(URL.canParse(url ?? ''), `${variable} is no address`)
      assert.ok(addresses.length > 0)
    },
    'knows what every effect takes of its limits': () => {
      const { costOf, limits } = setUp(fixed)
      for (const effect of Object.values(EFFECTS)) {
        const body: EffectBody = { ...effect, surface: at }
        for (const previous of [undefined, { ref: 'x', parts: ['x'] }])
          for (const [bucket, cost] of Object.entries(costOf(body, previous))) {
            const capacity = limits[bucket]?.capacity
            assert.ok(capacity !== undefined, `${body.kind} takes of ${bucket}, of which there is nothing`)
            assert.ok(cost <= capacity, `${body.kind} would wait for ever for ${bucket}`)
          }
      }
    },
    'lets nothing in that is not signed': async () => {
      const verifier = setUp(fixed).verifier?.({ previous: () => undefined, kept: undefined })
      assert.ok(verifier, 'nobody checks its webhooks')
      assert.equal(verifier.looksSigned({}), false)
      for (const headers of [
        {},
        { authorization: 'Bearer x' },
        { 'x-hub-signature': 'sha256=00', 'x-signature': '00' },
      ]) {
        const received = await verifier.receive(headers, Buffer.from('{}'))
        assert.ok(!received.ok && received.status === 401, JSON.stringify(received))
      }
    },
    'has a door and a place of its own, and is called by its name': () => {
      const { door, title } = channelTraits(name)
      assert.match(door.path, /^\/api\/[a-z-]+\/[a-z-]+$/)
      for (const other of channelNames()) if (other !== name) assert.notEqual(channelTraits(other).door.path, door.path)
      assert.ok(surfaceKey(at).startsWith(`${name}:`))
      const called = `${title} ${surfaceName(at)}`.toLowerCase()
      assert.ok(
        name.split('/').some((part) => called.includes(part)),
        `"${called}" does not say ${name}`,
      )
    },
  })
}
