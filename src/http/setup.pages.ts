import { isLocalUrl } from '../core/hosts.ts'
import { escape } from '../core/markup.ts'

/** What the page says of a server that is set up. */
export interface RunningFacts {
  /** Whether the app is installed anywhere; undefined: GitHub does not answer now. */
  readonly installed: boolean | undefined
  readonly model: string | undefined
  readonly sandbox: string
  /** Channels beside GitHub, by name. */
  readonly channels: readonly string[]
  readonly label: string
}

export interface StartPage {
  readonly serverUrl: string
  readonly publicUrl: string
  readonly manifest: Record<string, unknown>
  readonly state: string
  /** The set-up code, which every step carries. */
  readonly code: string
  /** The organisation that the app is registered for; undefined: one's own account. */
  readonly organization: string | undefined
  /** The channel that webhooks come over, where one was opened. */
  readonly proxy: string | undefined
  /** What was wrong with what was entered. */
  readonly problem?: string | undefined
}

/** Step 1: the app is registered, for an account or an organisation. */
export function startPage(page: StartPage): string {
  const { serverUrl, manifest, state, organization } = page
  const path = organization
    ? `/organizations/${encodeURIComponent(organization)}/settings/apps/new`
    : '/settings/apps/new'
  const whom = organization ? `for ${escape(organization)}` : 'for my account'
  return `<h1>Set up Muster</h1><p><strong>Step 1 of 2:</strong> register a GitHub App. GitHub shows you its permissions first; the key it makes never leaves this server.</p>${problemOf(page)}${webhooksOf(page)}
<form action="${escape(serverUrl + path)}?state=${state}" method="post"><input type="hidden" name="manifest" value="${escape(JSON.stringify(manifest))}"><button>Register the GitHub App ${whom}</button></form>
${whoseOf(page)}`
}

function problemOf({ problem }: StartPage): string {
  return problem ? `<p class="bad">${escape(problem)}</p>` : ''
}

function whoseOf({ code, organization }: StartPage): string {
  if (organization)
    return `<p class="muted"><a href="/?setup=${encodeURIComponent(code)}">Register it for my own account instead.</a> You must own the organisation, or manage its apps.</p>`
  return `<form action="/" method="get"><input type="hidden" name="setup" value="${escape(code)}"><label>For an organisation: <input name="organization" placeholder="its name on GitHub" autocomplete="off" required></label> <button class="plain">Continue</button></form>`
}

/** Where GitHub sends its webhooks, and what to do where it cannot. */
function webhooksOf({ publicUrl, proxy, code }: StartPage): string {
  const at = `<code>${escape(proxy ?? publicUrl)}</code>`
  if (proxy)
    return `<p class="muted">GitHub will send its webhooks to ${at}, and this server fetches them there. Whoever knows that address can read them: good for a trial, not for a team's private code.</p>`
  if (!isLocalUrl(publicUrl)) return `<p class="muted">GitHub will send its webhooks to ${at}.</p>`
  return `<div class="note"><p><strong>Mind:</strong> GitHub will send its webhooks to ${at}, which it cannot reach. Either set <code>MUSTER_PUBLIC_URL</code> to this server's public address and start again, or, for a trial, have them handed on by a webhook proxy (<a href="https://smee.io">smee.io</a>, a service of others: whoever knows its address can read them).</p>
<form action="/setup/proxy?setup=${encodeURIComponent(code)}" method="post"><button class="plain">Use a webhook proxy</button></form></div>`
}

/** Step 2: the app is installed on repositories. Afterwards: what runs here. */
export function donePage(facts: RunningFacts, installUrl: string | undefined, publicUrl: string): string {
  return facts.installed === true ? runningPage(facts, installUrl, publicUrl) : installPage(facts, installUrl)
}

function installPage({ installed, label }: RunningFacts, installUrl: string | undefined): string {
  const link = installUrl
    ? `<a class="button" href="${escape(installUrl)}">Install it on repositories</a>`
    : 'Install the app on the repositories it should work on.'
  const unknown =
    installed === undefined
      ? '<p class="bad">GitHub does not answer right now, so whether it is installed already is not known.</p>'
      : ''
  return `<h1>Set up Muster</h1><p class="ok">Step 1 is done: the GitHub App is registered.</p><p><strong>Step 2 of 2:</strong> say which repositories it may work on. They get the label <code>${escape(label)}</code>.</p>${unknown}<p>${link}</p>`
}

function runningPage(facts: RunningFacts, installUrl: string | undefined, publicUrl: string): string {
  const { model, sandbox, channels, label } = facts
  const rows = [
    [
      'GitHub App',
      installUrl
        ? `registered and installed (<a href="${escape(installUrl)}">more repositories</a>)`
        : 'registered and installed',
    ],
    [
      'Model',
      model ? escape(model) : '<span class="bad">not set: set <code>ANTHROPIC_API_KEY</code> and start again</span>',
    ],
    ['Channels', escape(['GitHub', ...channels].join(', '))],
    ['Sandbox', escape(sandbox)],
  ].map(([name = '', value = '']) => `<tr><th>${name}</th><td>${value}</td></tr>`)
  return `<h1>Muster runs</h1><table>${rows.join('')}</table><p>Put the label <code>${escape(label)}</code> on an issue, or comment <code>@muster build</code> on it.</p>
<p class="muted"><code>npm run doctor</code> looks closer · ready? <code>${escape(publicUrl)}/readyz</code> · API: <code>${escape(publicUrl)}/api/v1/openapi.json</code></p>`
}
