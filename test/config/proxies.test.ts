import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { authorities, proxiesIn, proxyFor, proxySecrets } from '../../src/config/proxies.ts'
import { hostGit } from '../../src/workspace/git.ts'
import { openSandbox } from '../../src/workspace/sandbox.ts'
import { openWayOut } from '../../src/workspace/wayout.ts'

/** A proxy that only writes down where it should lead, and one server that is asked without it. */
describe('a way out through a proxy', () => {
  const asked: string[] = []
  let proxy: Server
  let here: Server
  beforeAll(async () => {
    proxy = createServer((_request, response) => response.writeHead(502).end())
    proxy.on('connect', (request, socket) => {
      asked.push(String(request.url))
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
    })
    here = createServer((_request, response) => response.end('here'))
    for (const one of [proxy, here]) await new Promise<void>((done) => one.listen(0, '127.0.0.1', done))
  })
  afterAll(() => {
    proxy.close()
    here.close()
  })
  const portOf = (server: Server) => (server.address() as AddressInfo).port

  /** What a process of its own does with these settings. */
  const inProcess = (code: string) =>
    new Promise<string>((done) => {
      const env = { ...process.env, HTTPS_PROXY: `http://127.0.0.1:${portOf(proxy)}` }
      execFile(
        process.execPath,
        ['--no-warnings', '--input-type=module', '-e', code],
        { env },
        (_error, stdout, stderr) => done(stdout + stderr),
      )
    })
  const at = (path: string) => JSON.stringify(new URL(`../../src/${path}`, import.meta.url).href)

  it('is taken by fetch, by the libraries, and not to this machine', async () => {
    const out = await inProcess(`
      const { useProxies } = await import(${at('config/proxies.ts')})
      useProxies(process.env)
      const { slackClient } = await import(${at('channels/slack/client.ts')})
      const { jiraClient } = await import(${at('channels/jira/client.ts')})
      await fetch('https://api.github.test/app').catch(() => {})
      await slackClient({ botToken: 'xoxb-1', apiUrl: 'https://slack.test/api' }).auth.test().catch(() => {})
      await jiraClient({ host: 'https://jira.test', email: 'ann@jira.test', apiToken: 't' }).myself.getCurrentUser().catch(() => {})
      console.log(await (await fetch('http://127.0.0.1:${portOf(here)}/')).text())
    `)
    expect(out).toContain('here')
    expect(new Set(asked)).toEqual(new Set(['api.github.test:443', 'slack.test:443', 'jira.test:443']))
  })

  it('names it as the operator does, in whatever letters, and this machine as none', () => {
    expect(proxiesIn({})).toBeUndefined()
    expect(
      proxiesIn({ https_proxy: 'http://p:1', HTTPS_PROXY: 'http://q:2', NO_PROXY: 'corp.test, localhost' }),
    ).toEqual({
      HTTPS_PROXY: 'http://p:1',
      NO_PROXY: 'corp.test,localhost,127.0.0.1,::1',
    })
  })

  it('knows who is reached directly', () => {
    const env = { HTTPS_PROXY: 'http://p:1', NO_PROXY: '.corp.test, host.test' }
    for (const host of ['a.corp.test', 'corp.test', 'HOST.test', 'localhost'])
      expect(proxyFor(env, host), host).toBeUndefined()
    for (const host of ['evilcorp.test', 'host.test.evil', 'registry.npmjs.org'])
      expect(proxyFor(env, host)?.href, host).toBe('http://p:1/')
    expect(proxyFor({}, 'registry.npmjs.org')).toBeUndefined()
  })

  it('is taken by git', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'muster-git-'))
    const remotes = {
      remote: async () => ({ url: 'https://git.test/acme/shop.git', authorization: 'basic eA==' }),
      askedToWait: async () => undefined,
      env: { https_proxy: `http://127.0.0.1:${portOf(proxy)}` },
    }
    const repository = { id: 1, owner: 'acme', name: 'shop', defaultBranch: 'main', installationId: 1 }
    await expect(hostGit(dir, remotes, openSandbox('none')).resolve(repository, 'main')).rejects.toThrow()
    expect(asked).toContain('git.test:443')
    rmSync(dir, { recursive: true, force: true })
  })

  it('is taken by set-up commands, which reach nothing that is not on the list', async () => {
    const through = (request: { url?: string | undefined }, socket: Socket) => {
      const target = connect(portOf(here), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        socket.pipe(target).pipe(socket)
      })
      asked.push(`joined ${request.url}`)
    }
    const joining = createServer()
    joining.on('connect', through)
    await new Promise<void>((done) => joining.listen(0, '127.0.0.1', done))
    const way = await openWayOut({
      hosts: [{ host: 'registry.test', port: undefined }],
      proxyFor: () => new URL(`http://127.0.0.1:${portOf(joining)}`),
    })
    const ask = (host: string) =>
      new Promise<string>((done) => {
        const socket = connect(way.socket)
        let text = ''
        socket.on('data', (data) => {
          text += String(data)
          if (/^HTTP\/1.1 200/.test(text) && !text.includes('here')) socket.write('GET / HTTP/1.0\r\n\r\n')
        })
        socket.on('close', () => done(text))
        socket.write(`CONNECT ${host}:443 HTTP/1.1\r\nhost: ${host}\r\n\r\n`)
      })
    expect(await ask('registry.test')).toContain('here')
    expect(await ask('evil.test')).toContain('403')
    expect(asked.filter((one) => one.startsWith('joined'))).toEqual(['joined registry.test:443'])
    await way.close()
    joining.close()
  })

  it('says what is wrong with it, and keeps its password', () => {
    expect(() => proxiesIn({ HTTPS_PROXY: 'proxy:3128' })).toThrow('HTTPS_PROXY is no address')
    expect(() => authorities({ NODE_EXTRA_CA_CERTS: '/none.pem' })).toThrow('/none.pem')
    expect(proxySecrets({ HTTPS_PROXY: 'http://u:hunter22@p:1' })).toEqual(['hunter22'])
  })

  it('trusts what the operator trusts, and what everybody does', () => {
    const dir = mkdtempSync(join(tmpdir(), 'muster-ca-'))
    const file = join(dir, 'own.pem')
    writeFileSync(file, 'OWN')
    expect(authorities({})).toBeUndefined()
    const pem = authorities({ NODE_EXTRA_CA_CERTS: file }) ?? ''
    expect(pem).toContain('OWN')
    expect(pem).toContain(rootCertificates[0])
    expect(readFileSync(file, 'utf8')).toBe('OWN')
    rmSync(dir, { recursive: true })
  })
})
