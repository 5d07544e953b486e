import { z } from 'zod'
import { invitationFor } from './install.ts'
import { problem } from './problem.ts'
import { type Api, channelParam, errors, notFound } from './shapes.ts'
import type { HttpDeps } from './types.ts'

/** Where Muster is installed. Tokens never leave the server. */
export function installsRoutes(app: Api, { store, installing, publicUrl }: HttpDeps): void {
  const Channel = channelParam()
  const Install = z.object({ channel: Channel, account: z.string(), name: z.string(), installedAt: z.string() })
  app.get(
    '/installs',
    {
      schema: {
        summary: 'The workspaces and sites that Muster was installed into',
        response: { 200: z.object({ items: z.array(Install) }), ...errors },
      },
    },
    async () => ({
      items: (await store.installs.list()).map(({ channel, account, name, installedAt }) => ({
        channel,
        account,
        name,
        installedAt: installedAt.toISOString(),
      })),
    }),
  )
  app.post(
    '/installs/:channel',
    {
      schema: {
        summary: 'Invite somebody to install Muster: an address that is good once, for half an hour',
        params: z.object({ channel: Channel }),
        response: { 201: z.object({ url: z.string() }), ...errors },
      },
    },
    async (request, reply) => {
      const { channel } = request.params
      if (!installing?.isSetUp(channel))
        return problem(reply, 404, 'not_set_up', `No app is set up for installing into ${channel}.`)
      const invitation = invitationFor(channel, installing.secretKey, store.now())
      return reply.code(201).send({ url: `${publicUrl}/install/${invitation}` })
    },
  )
  app.delete(
    '/installs/:channel/:account',
    {
      schema: {
        summary: 'Give the tokens of a workspace or site back, and forget them',
        params: z.object({ channel: Channel, account: z.string().min(1).max(200) }),
        response: { 200: z.object({ installed: z.literal(false) }), ...errors },
      },
    },
    async (request, reply) => {
      const { channel, account } = request.params
      const gone = await installing?.forget(channel, account)
      return gone ? { installed: false as const } : notFound(reply, 'installation')
    },
  )
}
