import { UserError } from '../core/errors.ts'
import { type Composed, mayHoldTests, withInlineTests } from '../core/inline.ts'
import type { Checkout } from '../workspace/types.ts'

type Read = (side: 'base' | 'head', path: string) => Promise<string | undefined>

/** Source files of a change as they were before it, with its tests inside; none where it has no tests inside source files. */
export async function inlineTests(changed: readonly string[], read: Read): Promise<Composed[]> {
  const sides = []
  for (const path of changed.filter(mayHoldTests))
    sides.push({ path, base: await read('base', path), head: await read('head', path) })
  return withInlineTests(sides)
}

/** Whether what was changed in a clone has new or changed tests inside source files. */
export async function hasInlineTests(checkout: Checkout, baseSha: string, files: readonly string[]): Promise<boolean> {
  const composed = await inlineTests(files, async (side, path) => {
    const argv = side === 'base' ? ['git', 'cat-file', 'blob', `${baseSha}:${path}`] : ['cat', '--', path]
    const { exitCode, output } = await checkout.run(argv, { maxOutput: 400_000 })
    return exitCode === 0 ? output : undefined
  })
  return composed.length > 0
}

/** @throws UserError where one cannot be written */
export async function putInto(checkout: Checkout, files: readonly Composed[]): Promise<void> {
  const write = 'mkdir -p -- "$(dirname -- "$0")" && rm -f -- "$0" && cat > "$0"'
  for (const { path, text } of files) {
    const { exitCode, output } = await checkout.run(['/bin/sh', '-c', write, path], { stdin: text })
    if (exitCode !== 0)
      throw new UserError('take_over_failed', 'The new tests could not be put onto the base.', {
        cause: new Error(output),
      })
  }
}
