import { expect, it } from 'vitest'
import { openChannels } from '../../src/channels/connected.ts'
import type { Installs } from '../../src/installs/types.ts'
import { readChannels } from '../../src/channels/registry.ts'

it('an install whose tokens cannot be used is told of once, and keeps nobody else waiting', async () => {
  const rows = ['T1', 'T2'].map((account) => ({
    channel: 'slack' as const,
    account,
    name: account,
    sealed: '',
    version: 1,
    installedAt: new Date(0),
  }))
  const installs: Installs = {
    list: async () => rows,
    kept: async () => [],
    tokens: async (_channel, account) => {
      if (account === 'T1') throw new Error('cannot be opened with this MUSTER_SECRET_KEY')
      return { accessToken: 'xoxb-1', extra: {} }
    },
    connect: async () => [],
    forget: async () => false,
    reseal: async () => {},
    note: async () => {},
  }
  const warnings: unknown[] = []
  const settings = readChannels(
    {
      SLACK_CLIENT_ID: '1.2',
      SLACK_CLIENT_SECRET: 'a'.repeat(32),
      SLACK_SIGNING_SECRET: 'b'.repeat(32),
      MUSTER_SECRET_KEY: 'c'.repeat(64),
    },
    [],
  )
  const channels = await openChannels({
    settings,
    publicUrl: 'http://127.0.0.1:1',
    reading: { redact: (text) => text },
    installs,
    leases: { acquire: async () => undefined },
    warn: (_message, fields) => void warnings.push(fields),
  })
  for (let look = 0; look < 3; look++) expect((await channels.all()).map(({ source }) => source)).toEqual(['slack:T2'])
  expect(warnings).toEqual([
    { channel: 'slack', account: 'T1', error: expect.stringContaining('MUSTER_SECRET_KEY') as string },
  ])
})
