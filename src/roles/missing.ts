import type { RunResult } from '../workspace/types.ts'

/** Those of some programs that are not there where commands run. @param run runs one there */
export async function missingPrograms(
  programs: readonly string[],
  run: (command: string) => Promise<Pick<RunResult, 'exitCode'>>,
): Promise<string[]> {
  const missing: string[] = []
  for (const program of programs) {
    const { exitCode } = await run(`command -v '${program}' >/dev/null`)
    if (exitCode !== 0) missing.push(program)
  }
  return missing
}
