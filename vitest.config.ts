import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/template.ts'],
    // A busy machine is ten times slower: what fails by time alone tells nothing.
    testTimeout: 360_000,
    expect: { poll: { timeout: 120_000 } },
    hookTimeout: 240_000,
    // Real databases, processes and clones: more at once than there are cores only makes them wait for each other.
    maxWorkers: 2,
    pool: 'forks',
  },
})
