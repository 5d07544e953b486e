import { CONTAINERS, ENCODINGS, PAYLOADS } from '../support/hostile.ts'

/** An attack that is tried: what comes, what must come of it, where, and in how many writings. */
export interface Case {
  readonly id: string
  readonly attack: string
  readonly expected: string
  /** `file › part of a test's name`, below `test/`. */
  readonly proof: string
  /** How many writings are tried; or why there are not many. */
  readonly tried: number | string
}

const WORDS = PAYLOADS.length * ENCODINGS.length * CONTAINERS.length
const ONE = 'one scene: the whole server, an obedient model'
const FEW = 'a handful: there are no more ways'

const rows = (
  proof: string,
  tried: Case['tried'],
  ...all: readonly (readonly [id: string, attack: string, expected: string])[]
): Case[] => all.map(([id, attack, expected]) => ({ id, attack, expected, proof, tried }))

/** The cases by number, and then what was found later (A1 …). */
export const CASES: readonly Case[] = [
  ...rows(
    'security/inputs.test.ts › whatever they try to close',
    12 * ENCODINGS.length,
    ['1', 'a title that ends its block', 'stays data'],
    ['9', 'a forged delimiter', 'does not match the nonce'],
  ),
  ...rows(
    'security/attacks.test.ts › achieves nothing: no secret',
    ONE,
    ['2', 'a request to install something of the attacker', 'nothing is installed; no network'],
    ['11', 'orders in what a command printed', 'data only'],
    ['36', 'a tool outside the sandbox', 'there is none'],
    ['45', 'a second pull request, 50 comments', 'the model has no way to'],
  ),
  ...rows(
    'security/inputs.test.ts › are some two hundred',
    200,
    ['3', 'an HTML comment', 'not shown to the model'],
    ['4', 'one that never ends', 'not shown'],
    ['7', 'one in entities', 'decoded, then not shown'],
    ['8', 'image texts, titles, attributes, definitions', 'not shown'],
  ),
  ...rows(
    'security/inputs.test.ts › no mark that shows nothing is left',
    14 * 15,
    ['5', 'tag characters', 'dropped'],
    ['6', 'marks that show nothing', 'dropped'],
  ),
  ...rows('core/task.test.ts › takes more text at the gate', 'not applicable: nothing scans fields for trust', [
    '10',
    'an oversized first field',
    'nothing is trusted for passing a scan',
  ]),
  ...rows('', 'not applicable until there is a memory of past tasks', [
    '12',
    'a payload that is stored and recalled',
    'taint kept',
  ]),
  ...rows('security/attacks.test.ts › gives the model the words of the moment', ONE, [
    '13',
    'a body edited before it is read',
    "the webhook's own text counts",
  ]),
  ...rows('core/task.test.ts › a late approval of the first plan', FEW, [
    '14',
    'no time, or a wrong one',
    'no approval',
  ]),
  ...rows('security/channels.slow.test.ts › what a stranger', ONE, [
    '15',
    'Jira asks for something in Slack',
    'authority does not cross',
  ]),
  ...rows('security/attacks.test.ts › reads instructions from the default branch only', ONE, [
    '16',
    'AGENTS.md in the head of a pull request',
    "the default branch's counts",
  ]),
  ...rows(
    'workspace/sandbox.test.ts › sees nothing of the host',
    ONE,
    ['17', 'hooks and base URLs in the repository', 'not read: there is nothing that would'],
    ['28', 'a link to /proc/self/environ', 'an empty environment'],
  ),
  ...rows(
    'security/inputs.test.ts › are refused alone and among others',
    28 * 10,
    ['18', '.vscode/settings.json', 'not published'],
    ['43', 'workflows, CODEOWNERS, lock files, dot-folders', 'not published'],
  ),
  ...rows(
    'workspace/sandbox.test.ts › 38: has an empty environment',
    FEW,
    ['19', 'configuration that runs code', 'in the sandbox, which has no secret'],
    ['20', 'lifecycle scripts, preloads', 'the same'],
    ['38', 'the environment of other processes', 'none to be seen'],
  ),
  ...rows('security/inputs.test.ts › no command knows an option', 14 * 8 * 2, [
    '21',
    'options in a command',
    'refused',
  ]),
  ...rows('workspace/sandbox.test.ts › 22: takes arguments as they are', FEW, [
    '22',
    '`$(…)` in a name',
    'an argument, never a shell',
  ]),
  ...rows(
    'workspace/git.test.ts › nothing the tree says about git',
    FEW,
    ['23', 'submodules', 'never recursed'],
    ['24', 'hooks, fsmonitor, sshCommand', 'the host runs no git there'],
    ['25', 'filters in .gitattributes', 'not run'],
  ),
  ...rows(
    'workspace/git.test.ts › refuses refs that are options',
    FEW,
    ['26', 'refs that are options', 'refused'],
    ['27', 'ext:: in any case', 'refused'],
  ),
  ...rows('workspace/git.test.ts › the file tools follow no link', FEW, [
    '29',
    'a dangling link as a new file',
    'refused',
  ]),
  ...rows('workspace/sandbox.test.ts › ends a command that writes too much', FEW, [
    '30',
    'bombs, millions of files',
    'ended, and said',
  ]),
  ...rows(
    'security/authors.test.ts › lends nobody the authority',
    'every event of the examples × 3 authors',
    ['31', 'a forged author', "only the platform's id counts"],
    ['A3', 'an issue that was transferred; edits, pins, conversions', 'words are their author’s'],
    ['59', 'pull requests of others', 'read only'],
  ),
  ...rows(
    'security/wayout.test.ts › port %i',
    14,
    ['32', 'an empty list of hosts', 'nothing is reached'],
    ['33', 'evil\\0.good.com', 'refused'],
    ['35', 'an allowed host used otherwise', 'exact hosts and ports'],
  ),
  ...rows('security/wayout.test.ts › without it has no way out', FEW, [
    '34',
    'a secret in a name that is looked up',
    'no name server',
  ]),
  ...rows(
    'security/wayout.test.ts › reaches nothing else of this machine',
    9 + 6 + 16,
    ['37', '169.254.169.254, mapped addresses, redirects, rebinding', 'refused'],
    ['A12', 'a set-up command reaches the database, the API', 'a network of its own'],
  ),
  ...rows(
    'security/foreign.test.ts › in any writing, in any place',
    WORDS,
    ['39', 'images and links with data in them', 'nothing is linked or fetched'],
    ['42', 'mentions, teams, closing keywords, commands', 'nothing is alive'],
    ['A1', 'all of that in entities, backslashes, splits', 'nothing is alive, on any channel'],
  ),
  ...rows('security/foreign.test.ts › in any field of any artefact', PAYLOADS.length * ENCODINGS.length, [
    'A1',
    'in every field of every artefact, commit messages and titles too',
    'nothing is alive',
  ]),
  ...rows(
    'security/redaction.test.ts › leave in no writing and no place',
    8 * ENCODINGS.length * CONTAINERS.length,
    ['40', 'parts of a secret, encoded, reversed', 'redacted'],
    ['41', 'the new token format', 'redacted'],
    ['A6', '`ghs\\_…`', 'redacted before and after it is written'],
  ),
  ...rows('security/inputs.test.ts › nor are too many, or too much', FEW, ['44', '101 files, a huge patch', 'refused']),
  ...rows('config/env.test.ts › refuses to start without the secret', FEW, [
    '46',
    'no secret, or a well-known one',
    'no start',
  ]),
  ...rows(
    'security/inputs.test.ts › count only whole, right',
    207,
    ['47', 'wrong, short, other signatures', '401'],
    ['49', 'unsigned calls of Jira and ClickUp', '401'],
  ),
  ...rows(
    'channels/payloads.test.ts › is believed only with a signature that is right',
    FEW,
    ['48', 'replays', 'too old, or a duplicate'],
    ['58', 'another installation’s id', 'from the signed payload only'],
  ),
  ...rows(
    'security/attacks.test.ts › strangers and requesters approve no deploy',
    ONE,
    ['50', 'a stranger’s deploy', 'permission is asked'],
    ['55', 'one approves one’s own', 'refused'],
    ['57', 'an issue asks for another repository', 'the token sees one'],
  ),
  ...rows(
    'core/routing.test.ts › where an event leads',
    FEW,
    ['51', 'a look-alike of a bot', 'by id and type'],
    ['52', 'its own text, or a bot’s', 'not heard'],
  ),
  ...rows('security/inputs.test.ts › nor are they in Slack', 5 * 8, [
    '53',
    'names, guests, Slack Connect',
    'only a linked account counts',
  ]),
  ...rows(
    'security/races.test.ts › approvals, a push and a rejection',
    '1,000 races',
    ['54', 'a push after an approval', 'another commit than the approved one is never deployed'],
    ['A7', 'decisions that cross', 'the history says one thing'],
  ),
  ...rows('security/inputs.test.ts › are heard nowhere', 5 * 30 * 2, [
    '56',
    'commands in quotes, code, comments',
    'not heard',
  ]),
  ...rows(
    'security/patterns.slow.test.ts › are linear',
    'every regular expression of the product',
    ['60', 'repeats that take for ever', 'linear in the text'],
    ['A2', 'one short text stops the server', 'linear, and capped'],
  ),
  ...rows('inbox/rate.test.ts › takes so many', FEW, ['61', 'a thousand mentions', 'told once, then left']),
  ...rows('scenarios/slack.views.slow.test.ts › what is handed over', ONE, [
    'A3',
    '"Hand to Muster" on a stranger’s command',
    'a request, never a command',
  ]),
  ...rows('workspace/sandbox.test.ts › writes none of the kernel', FEW, [
    'A4',
    'the kernel’s settings, set-uid files',
    'root is dropped; read-only',
  ]),
  ...rows('workspace/sandbox.test.ts › refuses what attacks on kernels begin with', 13, [
    'A4',
    'keyctl, bpf, ptrace, user namespaces, VSOCK',
    'refused',
  ]),
  ...rows('security/local.test.ts › answers nobody without a token', FEW, [
    'A5',
    'behind a proxy everybody seems local',
    'a token, a code',
  ]),
  ...rows('security/local.test.ts › changes nothing for a page', 5, ['A5', 'a page of somebody else’s', 'refused']),
  ...rows('core/task.test.ts › a late approval', FEW, ['A7', 'a late approval of another plan', 'refused']),
  ...rows('workspace/remote.test.ts › a Git server', 9, [
    'A8',
    'a Git server that stumbles, limits, refuses',
    'told apart',
  ]),
  ...rows('faults/crashes.ts › random SIGKILL of every process', '1,000 kills', [
    'A9',
    'random kills set innocent work aside',
    'none',
  ]),
  ...rows('core/limits.test.ts › is told from what was only killed', FEW, [
    'A9',
    'work that ends its process',
    'set aside, in a process of its own',
  ]),
  ...rows('workspace/sandbox.test.ts › ends a command that writes too much', FEW, [
    'A10',
    '12 GB in small files',
    'ended, and said',
  ]),
  ...rows('workspace/full.slow.test.ts › where the data is', FEW, ['A10', 'a full disk', '503, and /readyz says why']),
  ...rows('security/doors.test.ts › is turned away before its body is taken', 5, [
    'A11',
    'large unsigned bodies',
    'not taken',
  ]),
  ...rows('security/doors.test.ts › take no more than their share', FEW, [
    'A11',
    'slow and many bodies',
    'bounded, with a deadline',
  ]),
  ...rows('security/doors.test.ts › whatever stands in it', 10, [
    'A13',
    'NUL, halves of characters, absurd nesting',
    'a signed webhook is kept; the API says 4xx',
  ]),
  ...rows('security/fuzz.slow.test.ts › whatever a webhook holds', '100,000 generated for each service', [
    'A14',
    'generated payloads',
    'nothing throws',
  ]),
  ...rows('security/fuzz.slow.test.ts › whatever somebody writes', '100,000 generated', [
    'A14',
    'generated texts',
    'read and shown',
  ]),
  ...rows('security/fuzz.slow.test.ts › whatever a provider answers', '100,000 generated', [
    'A14',
    'generated answers of a model',
    'an answer, or the provider’s error',
  ]),
  ...rows('core/mending.test.ts › becomes work with the evidence', FEW, [
    'A16',
    'words of a visitor in what a service prints, which becomes work',
    'a stranger’s words, and a person looks at the plan',
  ]),
  ...rows('releases/containers.test.ts › follows no link of a commit out of its files', FEW, [
    'A17',
    'a commit whose links lead out of its files, where an image is built',
    'not followed',
  ]),
  ...rows('releases/containers.test.ts › is built of nothing that is on this machine alone', FEW, [
    'A17',
    'an image of somebody else’s as a base, or as the one that is run',
    'only what the operator lists',
  ]),
  ...rows('releases/ssh.test.ts › are not touched where the host shows another key', FEW, [
    'A18',
    'another machine in the place of the one that is deployed to',
    'nothing is sent there',
  ]),
  ...rows('releases/ssh.test.ts › is what the operator says, whoever writes the settings', FEW, [
    'A18',
    'settings that name somebody else’s host or backend',
    'only what the operator lists',
  ]),
  ...rows('releases/kubernetes.test.ts › is refused before anything is changed', FEW, [
    'A19',
    'manifests that want another namespace, or files that are not of the commit',
    'refused, nothing is changed',
  ]),
  ...rows('releases/cloudflare.test.ts › runs nothing that a description says', FEW, [
    'A20',
    'a Worker whose description names programs, files of the machine, or somebody else’s Worker',
    'nothing is run or read, and only what the operator lists is deployed',
  ]),
  ...rows('security/rotation.test.ts › webhooks signed with the secret before', FEW, [
    'A15',
    'a secret that is being changed',
    'two count, and no third',
  ]),
]

/** The table as it stands in docs/security.md. */
export function tableOf(cases: readonly Case[]): string {
  const number = (id: string) => (id.startsWith('A') ? 1000 + Number(id.slice(1)) : Number(id))
  const sorted = cases.toSorted((a, b) => number(a.id) - number(b.id))
  const lines = sorted.map(({ id, attack, expected, proof, tried }) => {
    const where =
      proof === '' ? '' : `[${proof.split(' › ')[0]?.replace(/\.test\.ts$/, '')}](../test/${proof.split(' › ')[0]})`
    const count = typeof tried === 'number' ? `${tried.toLocaleString('en')}, 0 successes` : tried
    return `| ${id} | ${attack} | ${expected} | ${where} | ${count} |`
  })
  return ['| # | Attack | What must come of it | Tried in | Writings |', '|---|---|---|---|---|', ...lines].join('\n')
}
