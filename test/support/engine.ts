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
