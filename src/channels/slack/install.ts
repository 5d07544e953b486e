import { z } from 'zod'
import type { Installer } from '../../installs/types.ts'
import { type OAuthApp, TokenAnswer, type TokenEndpoint, tokensFor, tokensOf } from '../oauth.ts'

/** As in deploy/slack-manifest.yml. */
export const SCOPES = [
  'app_mentions:read',
  'channels:history',
  'groups:history',
  'im:history',
  'chat:write',
  'commands',
  'files:write',
  'links:read',
  'links:write',
  'reactions:write',
  'users:read',
] as const

/** An app of Slack's, and where it is asked. */
export interface SlackInstallOptions extends OAuthApp {
  readonly apiUrl: string
  readonly authorizeUrl: string
}

/** Slack refuses with 200 and `ok: false`. */
const Access = TokenAnswer.extend({
  ok: z.literal(true),
  team: z.object({ id: z.string().min(1), name: z.string().optional() }),
})

/** Installing into Slack workspaces (https://docs.slack.dev/authentication/installing-with-oauth); rotated tokens are understood. */
export function slackInstaller({ clientId, clientSecret, apiUrl, authorizeUrl }: SlackInstallOptions): Installer {
  const endpoint: TokenEndpoint = { clientId, clientSecret, url: `${apiUrl}/oauth.v2.access`, takes: 'form' }
  return {
    authorizeUrl(state, redirectUri) {
      const query = { client_id: clientId, scope: SCOPES.join(','), redirect_uri: redirectUri, state }
      return `${authorizeUrl}?${new URLSearchParams(query).toString()}`
    },
    async exchange(code, redirectUri) {
      const answer = await tokensFor(endpoint, { type: 'authorization_code', code, redirectUri }, Access)
      const { id, name } = answer.team
      return [{ account: id, name: name ?? id, tokens: tokensOf(answer, {}, Date.now()) }]
    },
    async refresh({ refreshToken = '', extra }) {
      return tokensOf(await tokensFor(endpoint, { type: 'refresh_token', refreshToken }, Access), extra, Date.now())
    },
    async revoke({ accessToken }) {
      await fetch(`${apiUrl}/auth.revoke`, {
        method: 'POST',
        headers: { authorization: `Bearer ${accessToken}` },
        signal: AbortSignal.timeout(20_000),
      })
    },
  }
}
