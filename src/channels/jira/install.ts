import { z } from 'zod'
import type { Installer } from '../../installs/types.ts'
import { askWith, type OAuthApp, TokenAnswer, type TokenEndpoint, tokensFor, tokensOf } from '../oauth.ts'
import { asking, jiraBearer } from './client.ts'

/** What Muster does in Jira, and `offline_access` for the refresh token. */
export const SCOPES = [
  'read:jira-work',
  'write:jira-work',
  'read:jira-user',
  'manage:jira-webhook',
  'offline_access',
] as const
/** What a webhook tells of. */
const EVENTS = ['jira:issue_created', 'jira:issue_updated', 'jira:issue_deleted', 'comment_created'] as const

/** An app of Atlassian's, and where it is asked. */
export interface JiraInstallOptions extends OAuthApp {
  /** Atlassian's own: https://auth.atlassian.com */
  readonly authUrl: string
  /** Atlassian's own: https://api.atlassian.com */
  readonly gatewayUrl: string
  /** Whose tickets are told of. */
  readonly projects: readonly string[]
}

const Sites = z.array(z.object({ id: z.string().min(1), name: z.string(), url: z.url() }))
const Registered = z.object({
  webhookRegistrationResult: z.array(
    z.object({ createdWebhookId: z.number().optional(), errors: z.array(z.string()).optional() }),
  ),
})

/**
 * Installing into Jira sites by OAuth 2.0 (3LO), https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps. Refresh
 * tokens rotate: each is good once. Webhooks are registered for each site, and run out after 30 days.
 */
export function jiraInstaller({
  clientId,
  clientSecret,
  authUrl,
  gatewayUrl,
  projects,
}: JiraInstallOptions): Installer {
  const endpoint: TokenEndpoint = { clientId, clientSecret, url: `${authUrl}/oauth/token`, takes: 'json' }
  return {
    authorizeUrl(state, redirectUri) {
      const query = {
        audience: 'api.atlassian.com',
        client_id: clientId,
        scope: SCOPES.join(' '),
        redirect_uri: redirectUri,
        state,
        response_type: 'code',
        prompt: 'consent',
      }
      return `${authUrl}/authorize?${new URLSearchParams(query).toString()}`
    },
    async exchange(code, redirectUri) {
      const answer = await tokensFor(endpoint, { type: 'authorization_code', code, redirectUri }, TokenAnswer)
      const sites = await askWith(answer.access_token, `${gatewayUrl}/oauth/token/accessible-resources`, Sites)
      // One refresh token is good once: it can serve one site only.
      return sites.slice(0, 1).map(({ id, name, url }) => ({
        account: new URL(url).host,
        name,
        tokens: tokensOf(answer, { cloudId: id, site: url }, Date.now()),
      }))
    },
    async refresh({ refreshToken = '', extra }) {
      return tokensOf(
        await tokensFor(endpoint, { type: 'refresh_token', refreshToken }, TokenAnswer),
        extra,
        Date.now(),
      )
    },
    // Atlassian has no way to give tokens back: people remove the app under "Connected apps"; ours are forgotten.
    revoke: () => Promise.resolve(),
    async listen({ tokens }, hooksUrl) {
      const client = jiraBearer(
        `${gatewayUrl}/ex/jira/${tokens.extra['cloudId'] ?? ''}`,
        async () => tokens.accessToken,
      )
      const jqlFilter =
        projects.length > 0 ? `project in (${projects.map((key) => `"${key}"`).join(', ')})` : 'project is not EMPTY'
      const answer = Registered.parse(
        await asking(() =>
          client.webhooks.registerDynamicWebhooks({ url: hooksUrl, webhooks: [{ events: [...EVENTS], jqlFilter }] }),
        ),
      )
      const ids = answer.webhookRegistrationResult.flatMap(({ createdWebhookId }) => createdWebhookId ?? [])
      if (ids.length === 0)
        throw new Error(`Jira registered no webhook: ${answer.webhookRegistrationResult[0]?.errors?.join('; ') ?? ''}`)
      return { ...tokens, extra: { ...tokens.extra, webhooks: ids.join(','), webhooksAt: String(Date.now()) } }
    },
  }
}
