import { UserError } from '../core/errors.ts'
import { INSIDE } from './inside.ts'
import { findProgram } from './programs.ts'
import type { Builder, RunResult, Walls } from './types.ts'

/** Walls built by bubblewrap. */
export const BUBBLEWRAP: Builder = {
  start(walls, filter) {
    const bwrap = findProgram('bwrap')
    if (!bwrap)
      throw new UserError('no_sandbox', 'bubblewrap is not installed, so nothing that a model wrote is run.', {
        hint: 'Install it (`apt install bubblewrap`), or unset MUSTER_SANDBOX: Muster then takes what it finds.',
      })
    // Given over a pipe: `/proc/1/cmdline` inside shows the command line.
    const args = argumentsOf(walls)
    return {
      argv: [bwrap, '--args', `${FD.args}`, ...(filter ? ['--seccomp', `${FD.filter}`] : []), '--'],
      inputs: [
        Buffer.from(args.map((one) => `${one}\0`).join('')),
        filter ?? Buffer.alloc(0),
        ...walls.files.map(({ text }) => Buffer.from(text)),
      ],
      read: readRefusal,
    }
  },
}

function readRefusal(result: RunResult): RunResult | { readonly refused: string } {
  const [, why] = /^bwrap: (.{1,300})/.exec(result.output) ?? []
  return result.exitCode !== 1 || why === undefined || why.startsWith('execvp ') ? result : { refused: why }
}

/** File descriptors over which bubblewrap is given things. */
const FD = { args: 3, filter: 4, files: 5 } as const

function argumentsOf({ readable, writable, files, tmpBytes, env }: Walls): string[] {
  return [
    '--unshare-all',
    '--unshare-user',
    '--uid',
    '1000',
    '--gid',
    '1000',
    '--hostname',
    'sandbox',
    '--die-with-parent',
    '--new-session',
    '--cap-drop',
    'ALL',
    '--clearenv',
    ...readable.flatMap(({ from, to }) => ['--ro-bind', from, to]),
    ...files.flatMap(({ path }, index) => ['--ro-bind-data', `${FD.files + index}`, path]),
    '--proc',
    '/proc',
    // What the kernel lets be set there is not to be looked at either.
    '--ro-bind',
    '/proc/sys',
    '/proc/sys',
    '--dev',
    '/dev',
    '--size',
    `${tmpBytes}`,
    '--tmpfs',
    '/tmp',
    ...writable.flatMap(({ from, to }) => ['--bind', from, to]),
    '--remount-ro',
    '/',
    '--chdir',
    INSIDE.work,
    ...Object.entries(env).flatMap(([name, value]) => ['--setenv', name, value]),
  ]
}
