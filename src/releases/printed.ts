import { run, type SpawnOptions } from '../workspace/spawn.ts'

/** What a program printed, and what it said beside that: a warning is no part of what is read. */
export interface Printed {
  readonly exitCode: number
  /** At most so much as is asked for. */
  readonly printed: string
  /** Whether there was more. */
  readonly isCut: boolean
  readonly said: string
}

/** Runs a program to its end. @param most bytes that are kept of what it prints */
export async function printedBy(
  file: string,
  args: readonly string[],
  { stdin = '', talk, ...more }: SpawnOptions,
  most: number,
): Promise<Printed> {
  const parts: Buffer[] = []
  let size = 0
  const { exitCode, output } = await run(file, args, {
    ...more,
    talk: (streams) => {
      streams.output.on('data', (part: Buffer) => void ((size += part.length) <= most && parts.push(part)))
      if (talk) talk(streams)
      else streams.input.end(stdin)
    },
  })
  return { exitCode, printed: Buffer.concat(parts).toString('utf8'), isCut: size > most, said: output }
}
