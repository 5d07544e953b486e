import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/template.ts'],
    testTimeout: 120_000,
    hookTimeout: 240_000,
    // Real databases, processes and clones: more at once than there are cores only makes them wait for each other.
    maxWorkers: 2,
    pool: 'forks',
  },
})
