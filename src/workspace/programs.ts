import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { RunResult } from './types.ts'

/** Finds a program on the PATH of this process. */
export function findProgram(name: string): string | undefined {
  return programsIn((process.env['PATH'] ?? '').split(delimiter), name)[0]
}

/** Every program of that name in some folders, in their order. */
export function programsIn(folders: readonly string[], name: string): string[] {
  return folders.map((dir) => join(dir, name)).filter(isExecutable)
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

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
