import { z } from 'zod'
import type { Installer } from '../../installs/types.ts'
import { type OAuthApp, postForTokens, TokenAnswer, tokensOf } from '../oauth.ts'

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
  const app = { client_id: clientId, client_secret: clientSecret }
  return {
    authorizeUrl(state, redirectUri) {
      const query = { client_id: clientId, scope: SCOPES.join(','), redirect_uri: redirectUri, state }
      return `${authorizeUrl}?${new URLSearchParams(query).toString()}`
    },
    async exchange(code, redirectUri) {
      const answer = await postForTokens(
        `${apiUrl}/oauth.v2.access`,
        { ...app, code, redirect_uri: redirectUri },
        Access,
        'form',
      )
      const { id, name } = answer.team
      return [{ account: id, name: name ?? id, tokens: tokensOf(answer, {}, Date.now()) }]
    },
    async refresh({ refreshToken = '', extra }) {
      const body = { ...app, grant_type: 'refresh_token', refresh_token: refreshToken }
      return tokensOf(await postForTokens(`${apiUrl}/oauth.v2.access`, body, Access, 'form'), extra, Date.now())
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
