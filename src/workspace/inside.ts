import type { SandboxCommand } from './types.ts'

/** Where things stand inside; commands never see a path of the host. */
export const INSIDE = {
  work: '/work',
  base: '/base.git',
  node: '/opt/muster/bin/node',
  way: '/run/muster/proxy.sock',
} as const

/** Files of the machine as commands see them, each with the file descriptor over which bubblewrap gets it. */
export const FILES = [
  // What is there belongs to the host's account, which is another one.
  { path: '/etc/gitconfig', descriptor: 5, text: '[safe]\n\tdirectory = *\n' },
] as const

/** The environment inside: nothing of the host's. */
export function environment(
  base: string,
  nodeDir: string,
  home: string,
  extra: SandboxCommand['env'],
): Record<string, string> {
  return {
    PATH: `${nodeDir}:/usr/local/bin:/usr/bin:/bin`,
    HOME: home,
    TMPDIR: '/tmp',
    LANG: 'C.UTF-8',
    CI: '1',
    NO_COLOR: '1',
    MUSTER_BASE: base,
    GIT_TERMINAL_PROMPT: '0',
    ...extra,
  }
}
