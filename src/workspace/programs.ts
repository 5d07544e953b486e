import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

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
