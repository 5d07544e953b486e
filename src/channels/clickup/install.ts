import { z } from 'zod'
import type { Installer } from '../../installs/types.ts'
import { askWith, type OAuthApp, TokenAnswer, tokensFor, tokensOf } from '../oauth.ts'
import { clickupClient } from './client.ts'

const EVENTS = ['taskCommentPosted', 'taskAssigneeUpdated', 'taskTagUpdated', 'taskDeleted'] as const
const Teams = z.object({ teams: z.array(z.object({ id: z.string(), name: z.string() })) })

/** An app of ClickUp's, and where it is asked. */
export interface ClickupInstallOptions extends OAuthApp {
  readonly apiUrl: string
  /** ClickUp's own: https://app.clickup.com/api */
  readonly authorizeUrl: string
}

/** Installing into ClickUp workspaces (https://developer.clickup.com/docs/authentication); its tokens do not run out. */
export function clickupInstaller({ clientId, clientSecret, apiUrl, authorizeUrl }: ClickupInstallOptions): Installer {
  return {
    authorizeUrl: (state, redirectUri) =>
      `${authorizeUrl}?${new URLSearchParams({ client_id: clientId, redirect_uri: redirectUri, state }).toString()}`,
    async exchange(code, redirectUri) {
      const endpoint = { clientId, clientSecret, url: `${apiUrl}/oauth/token`, takes: 'query' } as const
      const answer = await tokensFor(endpoint, { type: 'authorization_code', code, redirectUri }, TokenAnswer)
      const { teams } = await askWith(answer.access_token, `${apiUrl}/team`, Teams)
      return teams.map(({ id, name }) => ({ account: id, name, tokens: tokensOf(answer, {}, Date.now()) }))
    },
    refresh: (tokens) => Promise.resolve(tokens),
    // ClickUp has no way to give tokens back; ours are forgotten.
    revoke: () => Promise.resolve(),
    async listen({ account, tokens }, hooksUrl) {
      const client = clickupClient({ apiToken: `Bearer ${tokens.accessToken}`, apiUrl })
      const { id, secret } = await client.addWebhook(account, hooksUrl, EVENTS)
      return { ...tokens, extra: { ...tokens.extra, webhook: id, webhookSecret: secret } }
    },
  }
}
