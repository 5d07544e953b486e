import type { Finding } from '../core/finding.ts'
import { type Baseline } from '../core/baseline.ts'
import type { Checks } from '../core/checks.ts'
import { duration } from '../core/reply/document.ts'
import type { Ecosystem } from '../core/ecosystems.ts'
import type { Outfit, SandboxKind } from '../workspace/types.ts'

/** What a look at a repository finds, in words. */

export function sandboxFinding(kind: SandboxKind): Finding {
  return kind === 'none'
    ? { name: 'sandbox', state: 'warning', detail: 'none: everything runs on this machine as it is' }
    : { name: 'sandbox', state: 'ok', detail: kind === 'unshare' ? 'util-linux (unshare)' : kind }
}

export function commandFinding({ test }: Checks, ecosystem: Ecosystem | undefined): Finding {
  if (test) return { name: 'tests', state: 'ok', detail: `${ecosystem ? `${ecosystem.name}, ` : ''}run by: ${test}` }
  return {
    name: 'tests',
    state: 'problem',
    detail: 'nothing in the repository says how its tests are run',
    fix: 'Set `checks.test` in .github/muster.yml (and `checks.setup` if they need something first).',
  }
}

export function missingFinding(missing: readonly string[]): Finding {
  return {
    name: 'programs',
    state: 'warning',
    detail: `not there in the sandbox: ${missing.join(', ')}`,
    fix: 'Install them below /usr (with your package manager), or as a version manager does (docs/languages.md): nothing else of this machine is seen inside.',
  }
}

/** What is brought besides what every command finds, and what was asked for in vain. */
export function outfitFindings({ toolchains, notes }: Outfit): Finding[] {
  const brought = toolchains.map(({ tool, version }) => `${tool} ${version}`)
  return [
    ...(brought.length > 0 ? [{ name: 'runtimes', state: 'ok' as const, detail: brought.join(', ') }] : []),
    ...notes.map(
      (note): Finding => ({
        name: 'runtimes',
        state: 'warning',
        detail: note,
        fix: 'Install that version (docs/languages.md says where it is found), or ask for another by `checks.runtimes` in .github/muster.yml.',
      }),
    ),
  ]
}

/** How long something took that may take no time at all. */
export function tookText(seconds: number): string {
  return seconds < 0.5 ? 'less than a second' : duration(seconds * 1000)
}

/** Not one test passes, and nothing was installed: most likely that is why. */
export function wantsSetUp({ found, run }: Baseline, { setup }: Checks, ecosystem: Ecosystem | undefined): boolean {
  return found === 'red' && run?.passed === 0 && setup === undefined && ecosystem?.setup !== undefined
}

/** What a look at the suite says, one line each. */
export function suiteFinding(
  baseline: Baseline,
  checks: Checks,
  ecosystem: Ecosystem | undefined,
  network: boolean,
): Finding {
  const { found, run, hint } = baseline
  const name = 'suite'
  const took = run ? tookText(run.seconds) : ''
  const passed = run?.passed === undefined ? '' : `, ${run.passed} passed`
  const tail = run ? `:\n${indented(run.output)}` : ''
  const setup =
    ecosystem?.setup && !checks.setup && !network
      ? ` It may want \`${ecosystem.setup}\` first: \`--network\` tries that.`
      : ''
  switch (found) {
    case 'green':
      return { name, state: 'ok', detail: `passes in the sandbox, in ${took}${passed}` }
    case 'red':
      if (wantsSetUp(baseline, checks, ecosystem))
        return { name, state: 'problem', detail: `not one test passes${tail}`, fix: setup.trim() }
      return {
        name,
        state: 'warning',
        detail: `is red as it is, in ${took}${passed}: ${(run?.failures ?? []).slice(0, 5).join('; ')}`,
        fix: 'Muster can work with that: a change must not make it worse. Greener is better.',
      }
    case 'no_command':
      return { name, state: 'problem', detail: 'nobody knows how it is run' }
    case 'no_setup':
      return {
        name,
        state: 'problem',
        detail: `the set-up fails${tail}`,
        fix:
          hint ??
          `Mend \`checks.setup\` in .github/muster.yml.${network ? '' : ' Where it needs the network, `--network` allows it for this look.'}`,
      }
    case 'hangs':
      return {
        name,
        state: 'problem',
        detail: `had not ended after ${took}`,
        fix: 'Set `checks.timeout`, or mend what hangs.',
      }
    case 'broken':
      return {
        name,
        state: 'problem',
        detail: `cannot be run (exit code ${run?.exitCode ?? '?'}), and nothing says which test fails${tail}`,
        fix: `See what is missing above.${setup}`,
      }
  }
}

export function indented(output: string): string {
  return output
    .trim()
    .split('\n')
    .slice(-12)
    .map((line) => `      ${line.slice(0, 300)}`)
    .join('\n')
}
