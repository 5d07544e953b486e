import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { healthy } from '../health.ts'
import { type ObjectFiles, objectFiles, type Version } from './protocol.ts'
import { type Runtime, whyNot } from './runtime.ts'

const AGAIN_MS = 100
const MAX_PRINTED = 20_000

/** It runs, and does not answer as it should. */
export class Sick extends Error {}

/**
 * Runs a release alone, and with nothing stored, before it is let to what is: its own objects answer its health check.
 * @param opened a runtime with files of its own @param print what it prints @throws Sick, or Error where it cannot be run
 */
export async function tried(
  { folder }: ObjectFiles,
  opened: (files: ObjectFiles, print: (text: string) => void) => Runtime,
  version: Version,
  print: (text: string) => void,
): Promise<void> {
  const files = objectFiles(join(folder, 'trial'))
  await mkdir(files.store, { recursive: true })
  let printed = ''
  const runtime = opened(files, (text) => {
    printed = `${printed}${text}`.slice(-MAX_PRINTED)
    print(text)
  })
  try {
    const patienceMs = version.healthSeconds * 1000
    await runtime.serve([version], { main: version.id }, patienceMs).catch((error: unknown) => {
      throw new Error(whyNot(error, printed), { cause: error })
    })
    await untilHealthy(runtime.url, version)
  } finally {
    await runtime.end()
    await rm(files.folder, { recursive: true, force: true })
  }
}

async function untilHealthy(url: string, { id, health, healthSeconds }: Version): Promise<void> {
  const until = Date.now() + healthSeconds * 1000
  const headers = { 'muster-release': id }
  while (Date.now() < until) {
    if (await healthy(new URL(health, url), headers)) return
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
  }
  throw new Sick(`The new release was not healthy within ${healthSeconds} s.`)
}
