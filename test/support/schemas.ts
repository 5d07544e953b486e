import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { Ajv, type ValidateFunction } from 'ajv'
import DraftFour from 'ajv-draft-04'
import { createGenerator } from 'ts-json-schema-generator'
import type { JiraWorld } from '../../rehearsal/jira/world.ts'
import type { SlackWorld } from '../../rehearsal/slack/world.ts'

const { resolve } = createRequire(import.meta.url)

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

/** Block Kit as Slack's own types have it: the blocks of a message, or of a view. */
export const blockKit = once(() => {
  const types = resolve('@slack/types').replace(/index\.js$/, 'block-kit/blocks.d.ts')
  const schema = createGenerator({ path: types, type: 'KnownBlock', skipTypeCheck: true }).createSchema('KnownBlock')
  return new Ajv({ strict: false, allErrors: false }).compile({
    type: 'array',
    items: schema,
    maxItems: 100,
    definitions: schema.definitions,
  })
})

/** The Atlassian Document Format as Atlassian's own schema has it. */
export const adf = once(() => {
  const file = resolve('@atlaskit/adf-schema/package.json').replace(/package\.json$/, 'dist/json-schema/v1/full.json')
  const Draft = DraftFour as unknown as typeof Ajv
  return new Draft({ strict: false }).compile(JSON.parse(readFileSync(file, 'utf8')))
})

function problem(validate: ValidateFunction, what: string, value: unknown): string[] {
  return validate(value) ? [] : [`${what}: ${JSON.stringify(validate.errors?.[0])}`]
}

/** Whatever Muster has shown in the rehearsal's Slack that Slack's own types do not have. */
export function slackProblems(world: SlackWorld): string[] {
  const shown: readonly (readonly [string, unknown])[] = [
    ...world.messages.filter(({ byApp }) => byApp).map(({ blocks }) => ['message', blocks] as const),
    ...world.whispers.map(({ blocks }) => ['whisper', blocks] as const),
    ...world.views.map(({ view }) => ['form', view['blocks']] as const),
    ...[...world.homes.values()].map((view) => ['home', view['blocks']] as const),
    ...[...world.unfurls.values()].map((blocks) => ['preview', blocks] as const),
  ]
  return shown.length > 0 ? shown.flatMap(([what, blocks]) => problem(blockKit(), what, blocks)) : []
}

/** Whatever Muster has written in the rehearsal's Jira that is no valid document. */
export function jiraProblems(world: JiraWorld): string[] {
  const own = world.tickets.flatMap(({ comments }) => comments).filter(({ author }) => author === world.bot)
  return own.length > 0 ? own.flatMap(({ body }) => problem(adf(), 'comment', body)) : []
}
