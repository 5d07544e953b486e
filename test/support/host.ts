import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { LOW_LIMITS } from '../../rehearsal/releases/containers.ts'
import { unusedPort } from '../../rehearsal/stage.ts'
import { findProgram } from '../../src/workspace/programs.ts'
import { ENGINE } from './engine.ts'

const SSHD = ['/usr/sbin/sshd', findProgram('sshd')].find((one) => one !== undefined && existsSync(one))
const HAPROXY = ['/usr/sbin/haproxy', findProgram('haproxy')].find((one) => one !== undefined && existsSync(one))

/** Whether there is what such a host has: OpenSSH's server, HAProxy, and a container engine. */
export const HAS_HOST = SSHD !== undefined && HAPROXY !== undefined && ENGINE?.startsWith('podman') === true
if (!HAS_HOST) process.stderr.write('skipped: what needs a host with sshd, HAProxy and Podman\n')

/** A host of its own: this machine, as whoever comes by SSH finds it. */
export interface Host {
  /** What the operator sets, without which environment is served there. */
  readonly env: Readonly<Record<string, string>>
  /** The backend of its HAProxy, and where that is reached. */
  readonly backend: string
  readonly url: string
  /** Where its two servers are expected. */
  readonly ports: readonly number[]
  /** The files of OpenSSH's client: settings, and known hosts. */
  readonly config: string
  readonly known: string
  /** What its engine says beside what it prints, of whatever it is asked. */
  says(text: string): void
  /** Puts the server into maintenance that nobody is sent to, or out of it again. @returns its name */
  maintain(isOn: boolean): Promise<string>
  /** Ends HAProxy, and begins it anew. */
  restart(): Promise<void>
  /** Nobody comes by SSH any more, or again. */
  shut(): void
  open(): Promise<void>
  close(): Promise<void>
}

/** In the place of one where there is none. */
export const NO_HOST: Pick<Host, 'env' | 'backend' | 'url' | 'close'> = {
  env: {},
  backend: 'shop',
  url: 'http://127.0.0.1:1/',
  close: async () => {},
}

/** Starts one. @param more lines of HAProxy's backend */
export async function host(more = ''): Promise<Host> {
  // Paths of sockets may not be long.
  const dir = mkdtempSync('/tmp/muster-host-')
  const [sshPort, port, blue, green] = [await unusedPort(), await unusedPort(), await unusedPort(), await unusedPort()]
  for (const name of ['host', 'client'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(dir, name)])
  writeFileSync(join(dir, 'authorized'), readFileSync(join(dir, 'client.pub')))
  // Several may be played on one machine, with one engine.
  const backend = `shop-${port}`
  const known = join(dir, 'known_hosts')
  writeFileSync(known, `[127.0.0.1]:${sshPort} ${readFileSync(join(dir, 'host.pub'), 'utf8')}`)
  const config = join(dir, 'config')
  writeFileSync(
    config,
    `Host web1\n  HostName 127.0.0.1\n  Port ${sshPort}\n  User ${userInfo().username}\n  IdentityFile ${dir}/client\n  IdentitiesOnly yes\n  UserKnownHostsFile ${known}\n`,
  )
  const home = join(dir, 'home')
  mkdirSync(home)
  writeFileSync(join(dir, 'sshd_config'), sshdConfig(dir, home, sshPort))
  writeFileSync(join(dir, 'containers.conf'), LOW_LIMITS + engineOptions())
  writeFileSync(join(dir, 'haproxy.cfg'), haproxyConfig(dir, { home, backend, port, blue, green, more }))
  // As Podman warns where there is no session of the account.
  mkdirSync(join(dir, 'bin'))
  writeFileSync(join(dir, 'says'), '')
  const engine = `#!/bin/sh\ncat ${dir}/says >&2\nexec ${findProgram('podman')} "$@"\n`
  writeFileSync(join(dir, 'bin', 'podman'), engine, { mode: 0o755 })
  let maintained = ''
  let sshd = await startedSshd(dir)
  let haproxy = await startedHaproxy(dir)
  return {
    env: { MUSTER_DEPLOY_SSH_CONFIG: config, MUSTER_DEPLOY_HAPROXY: join(dir, 'admin.sock') },
    backend,
    url: `http://127.0.0.1:${port}/`,
    ports: [blue, green],
    config,
    known,
    says: (text) => writeFileSync(join(dir, 'says'), text),
    async maintain(isOn) {
      const stat = await asked(dir, `show stat ${backend} 4 -1`)
      const lines = stat.split('\n').map((line) => line.split(','))
      const idle = lines.find(([, name, ...rest]) => /^(blue|green)$/.test(name ?? '') && rest[16] === '0')?.[1] ?? ''
      if (isOn) maintained = idle
      await asked(dir, `set server ${backend}/${maintained} state ${isOn ? 'maint' : 'ready'}`)
      return maintained
    },
    async restart() {
      await ended(haproxy)
      haproxy = await startedHaproxy(dir)
    },
    shut: () => void sshd.kill(),
    async open() {
      sshd = await startedSshd(dir)
    },
    async close() {
      const labels = ['blue', 'green'].map((server) => `--filter=label=muster.server=${backend}/${server}`)
      const containers = labels.flatMap((label) =>
        execFileSync('podman', ['ps', '--all', '--quiet', label]).toString().split(/\s+/).filter(Boolean),
      )
      if (containers.length > 0) execFileSync('podman', ['rm', '--force', ...containers], { stdio: 'ignore' })
      sshd.kill()
      await ended(haproxy)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

function sshdConfig(dir: string, home: string, port: number): string {
  return `Port ${port}
ListenAddress 127.0.0.1
HostKey ${dir}/host
AuthorizedKeysFile ${dir}/authorized
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
SetEnv PATH=${dir}/bin:${process.env['PATH']} HOME=${home} CONTAINERS_CONF=${dir}/containers.conf${storageEnv()}
`
}

function storageEnv(): string {
  const file = process.env['CONTAINERS_REGISTRIES_CONF']
  return file === undefined ? '' : ` CONTAINERS_REGISTRIES_CONF=${file}`
}

/** The options with which the engine works here, as its own settings have them. */
function engineOptions(): string {
  const options = [...(ENGINE ?? '').matchAll(/--([\w-]+)=(\S+)/g)].map(
    ([, name = '', value = '']) => `${name.replaceAll('-', '_')} = "${value}"\n`,
  )
  return `[engine]\n${options.join('')}`
}

/** As `docs/releases.md` has it, with shorter times. */
function haproxyConfig(
  dir: string,
  {
    home,
    backend,
    port,
    blue,
    green,
    more,
  }: { home: string; backend: string; port: number; blue: number; green: number; more: string },
): string {
  return `global
  stats socket ${dir}/admin.sock mode 660 level admin
  server-state-base ${home}/.muster/haproxy
defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 5s
  timeout check 2s
frontend web
  bind 127.0.0.1:${port}
  default_backend ${backend}
backend ${backend}
  balance random(1)
  load-server-state-from-file local
  server-state-file-name ${backend}.state
  option httpchk GET /
  default-server check inter 200ms weight 0
${more}  server blue 127.0.0.1:${blue}
  server green 127.0.0.1:${green}
backend alone
  mode http
  server blue 127.0.0.1:${blue}
`
}

async function startedSshd(dir: string): Promise<ChildProcess> {
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const child = spawn(SSHD ?? '', ['-D', '-e', '-f', join(dir, 'sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] })
  await new Promise<void>((resolve, reject) => {
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.includes('Server listening')) resolve()
    })
    child.once('exit', () => reject(new Error(`sshd: ${said}`)))
  })
  return child
}

async function startedHaproxy(dir: string): Promise<ChildProcess> {
  rmSync(join(dir, 'admin.sock'), { force: true })
  const child = spawn(HAPROXY ?? '', ['-db', '-f', join(dir, 'haproxy.cfg')], { stdio: 'ignore' })
  while (child.exitCode === null && !existsSync(join(dir, 'admin.sock')))
    await new Promise((resolve) => setTimeout(resolve, 20))
  if (child.exitCode !== null) throw new Error(`haproxy ended with ${child.exitCode}`)
  return child
}

/** Asks HAProxy. */
function asked(dir: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(join(dir, 'admin.sock'))
    socket.setEncoding('utf8').on('data', (text: string) => void (answer += text))
    socket.on('end', () => resolve(answer)).on('error', reject)
    socket.end(`${command}\n`)
  })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill()
  await gone
}
