import { z } from 'zod'
import { linkAndResume } from './link.ts'
import type { PersonLink } from '../people/types.ts'
import { type Api, channelParam, errors, notFound } from './shapes.ts'
import type { HttpDeps } from './types.ts'

/** What is asked and answered; the channels are those that are there when the server starts. */
function schemas() {
  const Member = z.object({
    channel: channelParam(),
    account: z.string().min(1).max(200).describe('the workspace or site'),
    member: z.string().min(1).max(200).describe('the id of the account there'),
  })
  const Linked = Member.extend({
    name: z.string(),
    githubId: z.number(),
    login: z.string(),
    how: z.string(),
    linkedAt: z.string(),
  })
  const NewLink = Member.extend({
    name: z.string().max(200).default(''),
    githubId: z.number().int().positive(),
    login: z.string().regex(/^[A-Za-z\d][A-Za-z\d-]{0,38}(\[bot\])?$/),
  })
  return { Member, Linked, NewLink }
}

/** Who is who over the channels. Whoever holds the API token vouches for what is linked here. */
export function peopleRoutes(app: Api, { store, onArrival }: HttpDeps): void {
  const { Member, Linked, NewLink } = schemas()
  app.get(
    '/people',
    {
      schema: {
        summary: 'Whose accounts in other channels are linked to which on GitHub',
        response: { 200: z.object({ items: z.array(Linked) }), ...errors },
      },
    },
    async () => ({ items: (await store.people.list()).map(shown) }),
  )
  app.post(
    '/people',
    {
      schema: {
        summary: 'Link an account',
        body: NewLink,
        response: { 201: z.object({ linked: z.literal(true) }), ...errors },
      },
    },
    async (request, reply) => {
      const { channel, account, member, name, githubId, login } = request.body
      await linkAndResume(store.people, onArrival, { channel, account, id: member }, () =>
        store.people.link(
          { channel, account, id: member, name: name || member },
          { id: githubId, login },
          'operator',
          'api',
        ),
      )
      return reply.code(201).send({ linked: true as const })
    },
  )
  app.delete(
    '/people/:channel/:account/:member',
    {
      schema: {
        summary: 'Unlink an account',
        params: Member,
        response: { 200: z.object({ linked: z.literal(false) }), ...errors },
      },
    },
    async (request, reply) => {
      const { channel, account, member } = request.params
      const gone = await store.people.unlink({ channel, account, id: member }, 'api')
      return gone ? { linked: false as const } : notFound(reply, 'link')
    },
  )
}

function shown({ channel, account, id, name, person, how, linkedAt }: PersonLink) {
  return {
    channel,
    account,
    member: id,
    name,
    githubId: person.id,
    login: person.login,
    how,
    linkedAt: linkedAt.toISOString(),
  }
}
