import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { RunResult } from './types.ts'

/** Finds a program on the PATH of this process. */
export function findProgram(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((dir) => join(dir, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** Those of some programs that are not there where commands run. @param run runs one there */
export async function missingPrograms(
  programs: readonly string[],
  run: (argv: readonly string[]) => Promise<Pick<RunResult, 'exitCode'>>,
): Promise<string[]> {
  const missing: string[] = []
  for (const program of programs) {
    const { exitCode } = await run(['/bin/sh', '-c', 'command -v "$0" >/dev/null', program])
    if (exitCode !== 0) missing.push(program)
  }
  return missing
}
