import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readSettings } from '../../src/config/env.ts'
import { isAllowed, readHosts } from '../../src/core/hosts.ts'
import { isReachable } from '../../src/workspace/addresses.ts'
import { DEFAULT_LIMITS } from '../../src/workspace/confined.ts'
import { openSandbox } from '../../src/workspace/sandbox.ts'
import { WORKING } from '../support/isolation.ts'

/** security.md 32, 33, 35, 36, 37: a set-up command that may use the network reaches what is on the list, and nothing of this machine. */
describe('the list of hosts', () => {
  it.each([
    ['registry.npmjs.org', 443, true],
    ['REGISTRY.npmjs.org', 443, true],
    ['registry.npmjs.org', 80, true],
    ['registry.npmjs.org', 22, false],
    ['evil.registry.npmjs.org', 443, false],
    ['registry.npmjs.org.evil.example', 443, false],
    ['registry.npmjs.org\0.evil.example', 443, false],
    ['evil.example\0registry.npmjs.org', 443, false],
    ['registry.npmjs.org.', 443, false],
    ['user@registry.npmjs.org', 443, false],
    ['registry.npmjs.org%00', 443, false],
    ['10.0.0.5', 4873, true],
    ['10.0.0.5', 443, false],
    ['', 443, false],
  ])('%j port %i: %s', (host, port, allowed) => {
    expect(isAllowed(readHosts('registry.npmjs.org, 10.0.0.5:4873') ?? [], host, port)).toBe(allowed)
  })

  it('holds nothing where it is empty, and no wildcards', () => {
    expect(isAllowed(readHosts('') ?? [], 'registry.npmjs.org', 443)).toBe(false)
    for (const wrong of [
      '*',
      '*.npmjs.org',
      'https://registry.npmjs.org',
      'a b',
      'x:0',
      'x:99999',
      'x:1:2',
      '-x.example',
    ])
      expect(readHosts(wrong), wrong).toBe(undefined)
    expect(() => readSettings({ MUSTER_SETUP_HOSTS: '*.npmjs.org' })).toThrow('MUSTER_SETUP_HOSTS')
    expect(readSettings({ MUSTER_SETUP_HOSTS: '' }).setupHosts).toEqual([])
    expect(readSettings({}).setupHosts.length).toBeGreaterThan(5)
  })

  it.each([
    '127.0.0.1',
    '127.9.9.9',
    '0.0.0.0',
    '169.254.169.254',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::FFFF:169.254.169.254',
    '64:ff9b::7f00:1',
    'ff02::1',
    'x',
    '',
  ])('no name leads to %j', (address) => expect(isReachable(address)).toBe(false))
  it.each(['93.184.216.34', '10.1.2.3', '2606:2800:220:1::1', '::ffff:93.184.216.34'])(
    'a name may lead to %s',
    (address) => expect(isReachable(address)).toBe(true),
  )
})

describe.each(WORKING)('a set-up command with network, in %s', (kind) => {
  let dir = ''
  let registry = ''
  let other = 0
  const reached: string[] = []
  const http = createServer((request, response) => {
    reached.push(`${request.method} ${request.url}`)
    if (request.url === '/away')
      return void response.writeHead(302, { location: `http://127.0.0.1:${other}/secret` }).end()
    response.end('a package')
  })
  const secret = createTcpServer((socket) => {
    reached.push('SECRET')
    socket.end('secret')
  })
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'muster-net-'))
    await new Promise<void>((done) => http.listen(0, '127.0.0.1', done))
    await new Promise<void>((done) => secret.listen(0, '127.0.0.1', done))
    registry = `127.0.0.1:${(http.address() as AddressInfo).port}`
    other = (secret.address() as AddressInfo).port
  })
  afterAll(() => {
    http.close()
    secret.close()
    rmSync(dir, { recursive: true, force: true })
  })
  const run = (command: string, network = true, authorities?: string) =>
    openSandbox(kind, DEFAULT_LIMITS, { hosts: readHosts(`${registry}, localhost:${other}`) ?? [], authorities }).run({
      dir,
      argv: ['/bin/sh', '-c', command],
      timeoutMs: 30_000,
      network,
    })

  it('gets what is on the list, with its output and its exit code', async () => {
    const { output, exitCode } = await run(
      `NO_PROXY= no_proxy= node -e "fetch('http://${registry}/x').then((r) => r.text()).then(console.log)"; echo done; exit 7`,
    )
    expect({ output, exitCode }).toEqual({ output: 'a package\ndone\n', exitCode: 7 })
    expect(reached).toEqual(['GET /x'])
  })

  it('trusts the authorities of the operator, which other commands do not see', async () => {
    const look =
      'cat "$NODE_EXTRA_CA_CERTS" "$npm_config_cafile"; echo more >> /etc/muster/authorities.pem || echo closed'
    const { output } = await run(look, true, 'OWN AUTHORITY\n')
    expect(output).toContain('OWN AUTHORITY\nOWN AUTHORITY\n')
    expect(output).toContain('closed')
    expect((await run('env; ls /etc/muster', false, 'OWN AUTHORITY\n')).output).not.toMatch(
      /CERT|CAINFO|authorities.pem/,
    )
    expect((await run('env')).output).not.toMatch(/CERT|CAINFO/)
  })

  it('reaches nothing else of this machine: no database, no API, not by another name or a redirect', async () => {
    reached.length = 0
    const tries = [
      `http://127.0.0.1:${other}`,
      `http://localhost:${other}`,
      `http://[::1]:${other}`,
      `http://[::ffff:127.0.0.1]:${other}`,
      `http://0.0.0.0:${other}`,
      `http://2130706433:${other}`,
      'http://169.254.169.254/',
      'https://evil.example/',
      `http://${registry}/away`,
    ]
    const script = `
      import net from 'node:net'
      const proxy = new URL(process.env.HTTP_PROXY)
      const raw = (first) => new Promise((done) => { const s = net.connect(proxy.port, '127.0.0.1', () => s.write(first)); let all = ''; s.on('data', (d) => (all += d)); s.on('close', () => done(all.slice(0, 40))); s.on('error', () => done('error')) })
      for (const url of ${JSON.stringify(tries)}) console.log(url, await fetch(url, { signal: AbortSignal.timeout(5000) }).then(async (r) => r.status + (await r.text()), () => 'no'))
      for (const host of ['127.0.0.1:${other}', 'localhost:${other}', '[::1]:${other}', '127.0.0.1:5432', 'x\\\\0.evil:443', '${registry.slice(0, 9)}:22']) console.log(await raw('CONNECT ' + host + ' HTTP/1.1\\\\r\\\\nhost: x\\\\r\\\\n\\\\r\\\\n'))
      console.log(await raw('GET http://127.0.0.1:${other}/ HTTP/1.1\\\\r\\\\nhost: ${registry}\\\\r\\\\n\\\\r\\\\n'))
      console.log(await new Promise((done) => net.connect(${other}, '127.0.0.1').on('connect', () => done('DIRECT')).on('error', () => done('no'))))`
    const { output } = await run(
      `cat > t.mjs <<'X'\n${script.replaceAll('\\\\', '\\')}\nX\nNO_PROXY= no_proxy= node t.mjs; cat /etc/resolv.conf`,
    )
    expect(output).not.toMatch(/secret\n|DIRECT|200 Conn/)
    expect(reached.filter((one) => one !== 'GET /away')).toEqual([])
    expect(output).toContain('[Muster: not on the list of hosts that may be reached:')
  })

  it('without it has no way out at all', async () => {
    const { output } = await run('echo "[$HTTP_PROXY]"; ls /run 2>&1', false)
    expect(output).toContain('[]')
    expect(output).not.toContain('muster')
  })

  it('leaves no way behind', async () => {
    const ways = () => readdirSync(tmpdir()).filter((name) => name.startsWith('muster-way-')).length
    const before = ways()
    await run('true')
    expect(ways()).toBe(before)
  })
})
