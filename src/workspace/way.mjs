// Runs inside the sandbox: listens where programs look for a proxy, hands every connection to the socket that is the way out, and
// becomes the command in all but name: its output, its exit code.
import { spawn } from 'node:child_process'
import { connect, createServer } from 'node:net'

const [, socket, ...argv] = process.argv
const server = createServer((client) => {
  const way = connect(socket)
  for (const [one, other] of [
    [client, way],
    [way, client],
  ])
    one.on('error', () => other.destroy()).on('close', () => other.destroy())
  client.pipe(way).pipe(client)
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address()
  const proxy = `http://127.0.0.1:${port}`
  const java = ['http', 'https'].map((kind) => `-D${kind}.proxyHost=127.0.0.1 -D${kind}.proxyPort=${port}`).join(' ')
  const env = {
    ...process.env,
    NODE_USE_ENV_PROXY: '1',
    NO_PROXY: 'localhost,127.0.0.1,::1',
    no_proxy: 'localhost,127.0.0.1,::1',
    MAVEN_OPTS: java,
    GRADLE_OPTS: java,
  }
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy']) env[name] = proxy
  const [file, ...args] = argv
  const child = spawn(file, args, { env, stdio: 'inherit' })
  child.on('error', (error) => {
    process.stderr.write(`${error.message}\n`)
    process.exit(127)
  })
  child.on('close', (code, signal) => process.exit(signal ? 137 : (code ?? 1)))
})
