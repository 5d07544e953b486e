import type { InsideFile, SandboxCommand } from './types.ts'

/** Where things stand inside; commands never see a path of the host. */
export const INSIDE = {
  work: '/work',
  home: '/home/muster',
  base: '/base.git',
  node: '/opt/muster/bin/node',
  /** What Node.js is started by in an image, which may have other libraries, or none. */
  loader: '/opt/muster/lib/loader',
  libraries: '/opt/muster/lib',
  way: '/run/muster/proxy.sock',
  authorities: '/etc/muster/authorities.pem',
} as const

/** How programs are told which authorities to trust: Node, OpenSSL, curl, git, npm, pip and requests, Cargo. Java has a store of its own form. */
export const TRUST = Object.fromEntries(
  [
    'NODE_EXTRA_CA_CERTS',
    'SSL_CERT_FILE',
    'CURL_CA_BUNDLE',
    'GIT_SSL_CAINFO',
    'npm_config_cafile',
    'PIP_CERT',
    'REQUESTS_CA_BUNDLE',
    'CARGO_HTTP_CAINFO',
  ].map((name) => [name, INSIDE.authorities]),
)

const ACCOUNTS = [
  ['root', 0, '/root', '/usr/sbin/nologin'],
  ['muster', 1000, '/home/muster', '/bin/sh'],
  ['nobody', 65_534, '/nonexistent', '/usr/sbin/nologin'],
] as const

/** Files of the machine as commands see them: what programs ask for themselves, and for this machine's own address. */
export const FILES: readonly InsideFile[] = [
  // What is there belongs to the host's account, which is another one. Commits that tests make need somebody's name.
  {
    path: '/etc/gitconfig',
    text: '[safe]\n\tdirectory = *\n[user]\n\tname = Muster\n\temail = muster@sandbox.invalid\n[init]\n\tdefaultBranch = main\n',
  },
  { path: '/etc/hosts', text: '127.0.0.1 localhost sandbox\n::1 localhost ip6-localhost ip6-loopback\n' },
  { path: '/etc/hostname', text: 'sandbox\n' },
  { path: '/etc/nsswitch.conf', text: 'passwd: files\ngroup: files\nshadow: files\nhosts: files\n' },
  {
    path: '/etc/passwd',
    text: ACCOUNTS.map(([name, id, home, shell]) => `${name}:x:${id}:${id}:${name}:${home}:${shell}\n`).join(''),
  },
  { path: '/etc/group', text: ACCOUNTS.map(([name, id]) => `${name}:x:${id}:\n`).join('') },
]

/** The environment inside: nothing of the host's. */
export function environment(
  base: string,
  bin: readonly string[],
  home: string,
  extra: SandboxCommand['env'],
): Record<string, string> {
  return {
    PATH: [...bin, '/usr/local/bin', '/usr/bin', '/bin'].join(':'),
    HOME: home,
    TMPDIR: '/tmp',
    LANG: 'C.UTF-8',
    CI: '1',
    NO_COLOR: '1',
    // Nobody wants it in a change, and the next command has it in a moment.
    PYTHONDONTWRITEBYTECODE: '1',
    // Go would fetch another version of itself.
    GOTOOLCHAIN: 'local',
    MUSTER_BASE: base,
    GIT_TERMINAL_PROMPT: '0',
    ...extra,
  }
}
