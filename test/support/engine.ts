import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LOW_LIMITS } from '../../rehearsal/releases/containers.ts'
import { whyNot } from '../../src/workspace/choose.ts'

const ENGINES = ['podman', 'podman --runtime=runc --cgroup-manager=cgroupfs', 'docker']

/** A container engine that works here, with its options; undefined where none does. */
export const ENGINE = await firstOf(ENGINES)

async function firstOf(engines: readonly string[]): Promise<string | undefined> {
  const reasons: string[] = []
  for (const engine of engines) {
    const why = await whyNot('container', engine)
    if (why === undefined) return engine
    reasons.push(`${engine}: ${why.split('\n')[0]}`)
  }
  process.stderr.write(`skipped: what needs a container engine. ${reasons.join('; ')}\n`)
  return undefined
}

/** What an engine needs beside its defaults on a machine whose own limits it may not raise. @param dir where that may be written */
export function useEngine(dir: string): void {
  if (process.env['CONTAINERS_CONF']) return
  const file = join(dir, 'containers.conf')
  writeFileSync(file, LOW_LIMITS)
  process.env['CONTAINERS_CONF'] = file
}
