import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { UserError } from '../core/errors.ts'
import { findProgram } from './programs.ts'
import type { Builder, RunResult } from './types.ts'

/** What it takes: all of it is part of util-linux. */
const PROGRAMS = ['unshare', 'setpriv', 'pivot_root', 'mount', 'umount']
const SCRIPT = readFileSync(new URL('./walls.sh', import.meta.url), 'utf8')
const NAMESPACES =
  '--user --map-root-user --mount --pid --net --ipc --uts --cgroup --fork --kill-child --propagation private'
/** Stays as the first process, as bubblewrap does: it takes in what is orphaned, and a signal to it means nothing special. */
const FIRST = ['/bin/sh', '-c', '"$@"; exit "$?"', 'sh']

// prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, { length, filter }), by its number on this machine; then it is the command.
const FILTER = `my $f = pack("H*", shift); my $n = shift; my $p = pack("S x![P] P", length($f) / 8, $f);
syscall($n, 22, 2, $p) == 0 or die "walls: no filter of system calls: $!\\n"; exec { $ARGV[0] } @ARGV or die "walls: not built\\n"`
const PRCTL: Readonly<Record<string, number>> = { x64: 157, arm64: 167 }

/** Walls built by util-linux alone. System calls are filtered where there is Perl to set the filter. */
export const UNSHARE: Builder = {
  start({ readable, writable, files, tmpBytes, env }, filter) {
    const missing = PROGRAMS.find((name) => !findProgram(name))
    if (missing)
      throw new UserError(
        'no_sandbox',
        `util-linux is not complete here (${missing} is missing), so nothing that a model wrote is run.`,
        {
          hint: 'Install bubblewrap (`apt install bubblewrap`), or util-linux.',
        },
      )
    const sign = `walls: built ${randomUUID()}\n`
    const perl = canFilter() && filter ? ['perl', '-e', FILTER, filter.toString('hex'), `${PRCTL[process.arch]}`] : []
    return {
      argv: [
        // With whoever started it, it ends.
        'setpriv',
        '--pdeathsig',
        'KILL',
        '--',
        'unshare',
        ...NAMESPACES.split(' '),
        '/bin/sh',
        '-c',
        SCRIPT,
        'walls',
        sign,
        `${tmpBytes}`,
        ...readable.flatMap(({ from, to }) => ['ro', from, to]),
        ...files.flatMap(({ path, text }) => ['file', text, path]),
        ...writable.flatMap(({ from, to }) => ['rw', from, to]),
        '--',
        ...perl,
        '/usr/bin/env',
        '-i',
        ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
        ...FIRST,
      ],
      inputs: [],
      read: (result) => readSign(result, sign),
    }
  },
}

/** The script says with a sign that nobody can know when the walls stand; without it nothing ran, whatever was printed. */
function readSign(result: RunResult, sign: string): RunResult | { readonly refused: string } {
  const { exitCode, output } = result
  const isBuilt = output.includes(sign)
  if (!isBuilt && (exitCode === 1 || exitCode === 125))
    return { refused: output.replace(/\n?walls: not built\n$/, '').slice(-300) }
  return { ...result, output: output.replace(sign, '') }
}

/** Whether system calls can be filtered without bubblewrap. */
export function canFilter(): boolean {
  return findProgram('perl') !== undefined && PRCTL[process.arch] !== undefined
}
