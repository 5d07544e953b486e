import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Unavailable, UserError } from '../../src/core/errors.ts'
import type { Repository } from '../../src/core/task/types.ts'
import { hostGit } from '../../src/workspace/git.ts'
import { openSandbox } from '../../src/workspace/sandbox.ts'

/** What git makes of a server that does not answer as it should: what passes is told from what does not. */
const repository: Repository = { id: 1, owner: 'acme', name: 'x', defaultBranch: 'main', installationId: 1 }
let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'muster-remote-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

let count = 0
async function fetched(
  answer: RequestListener,
  askedToWait: () => Promise<number | undefined> = async () => undefined,
) {
  let asked = 0
  const server = createServer(answer)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const remotes = {
    remote: async () => ({ url: `http://127.0.0.1:${port}/acme/x.git`, authorization: 'basic eDp5' }),
    askedToWait: async () => {
      asked++
      return askedToWait()
    },
  }
  const git = hostGit(join(dir, String(++count)), remotes, openSandbox('none'))
  const error: unknown = await git.resolve(repository, 'main').catch((thrown: unknown) => thrown)
  server.closeAllConnections()
  server.close()
  return { error, asked }
}
const status =
  (code: number): RequestListener =>
  (_request, response) =>
    void response.writeHead(code).end('no')

describe('a Git server', () => {
  it.each([500, 502, 503, 504, 429])('that answers %i is tried again', async (code) => {
    const { error, asked } = await fetched(status(code))
    expect(error).toBeInstanceOf(Unavailable)
    expect(asked).toBe(0)
  })

  it('that breaks off in the middle is tried again', async () => {
    const { error } = await fetched((_request, response) => {
      response.writeHead(200, {
        'content-type': 'application/x-git-upload-pack-advertisement',
        'content-length': '1000',
      })
      response.write('001e# service=git-upload-pack\n0000')
      setTimeout(() => response.destroy(), 50)
    })
    expect(error).toBeInstanceOf(Unavailable)
  })

  it('that hangs up at once is tried again', async () => {
    expect((await fetched((request) => void request.socket.destroy())).error).toBeInstanceOf(Unavailable)
  })

  it('that answers 403 is asked about once: a limit is waited for as long as it says, a refusal is final', async () => {
    const limit = await fetched(status(403), async () => 42_000)
    expect(limit).toMatchObject({ error: { name: 'Unavailable', retryAfterMs: 42_000 }, asked: 1 })
    const refusal = await fetched(status(403))
    expect(refusal.error).toBeInstanceOf(UserError)
    expect(refusal).toMatchObject({ error: { code: 'clone_failed', message: 'Muster may not read acme/x.' }, asked: 1 })
  })

  it.each([401, 404])('that answers %i refuses', async (code) => {
    const { error, asked } = await fetched(status(code))
    expect(error).toMatchObject({ code: 'clone_failed', message: 'Muster may not read acme/x.' })
    expect(asked).toBe(0)
  })
})
