import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { anthropic } from './anthropic.ts'
import { chat } from './chat.ts'
import { responses } from './responses.ts'
import type { Api, Interface, Question, Saying, StreamEvent } from './types.ts'

/** Every interface, and where it is asked. */
const APIS: Readonly<Record<Api, { readonly path: string; readonly speaks: Interface }>> = {
  anthropic: { path: '/v1/messages', speaks: anthropic },
  responses: { path: '/v1/responses', speaks: responses },
  chat: { path: '/v1/chat/completions', speaks: chat },
}

export type Answerer = (question: Question) => Saying | Promise<Saying>

export interface ModelServer {
  /** Anthropic's base; OpenAI's is `${url}/v1`. */
  readonly url: string
  readonly asked: readonly Question[]
  /** The environment of whoever asks it. @param api by which interface */
  env(api: Api): Record<string, string>
  close(): Promise<void>
}

/** A model server that a function answers for. */
export async function startModelServer(answer: Answerer): Promise<ModelServer> {
  const asked: Question[] = []
  const server = createServer((request, response) => {
    const failed = (error: unknown) => {
      if (!response.headersSent) json(response, 500, { error: { message: String(error) } })
      else response.destroy()
    }
    serve(request, response, answer, asked).catch(failed)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  return {
    url,
    asked,
    env: (api) => envOf(url, api),
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

function envOf(url: string, api: Api): Record<string, string> {
  if (api === 'anthropic') return { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: 'rehearsal' }
  const models = ['complex=openai:gpt-5.6-sol', 'general=openai:gpt-5.6-terra', 'simple=openai:gpt-5.6-luna']
  return {
    OPENAI_BASE_URL: `${url}/v1`,
    OPENAI_API_KEY: 'rehearsal',
    OPENAI_INTERFACE: api,
    MUSTER_MODELS: models.join(','),
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answerer,
  asked: Question[],
): Promise<void> {
  let raw = ''
  for await (const part of request) raw += String(part)
  const path = request.url?.split('?')[0]
  if (path === '/v1/models') return json(response, 200, { object: 'list', data: [] })
  const [api, found] = Object.entries(APIS).find(([, one]) => one.path === path) ?? []
  if (!api || !found) return json(response, 404, { error: { message: `there is no ${path ?? ''}` } })
  const question = questionOf(api as Api, found.speaks, raw)
  if (typeof question === 'string')
    return json(response, 400, { error: { type: 'invalid_request_error', message: question } })
  asked.push(question)
  const nth = asked.length
  const saying = await answer(question)
  if (saying.delayMs) await new Promise((done) => setTimeout(done, saying.delayMs))
  if (saying.status)
    return json(response, saying.status, saying.body ?? found.speaks.error(saying.status), saying.headers)
  if (saying.broken === 'garbage')
    return void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>a gateway</html>')
  if (!isStreamed(question.body)) return json(response, 200, found.speaks.whole(question, saying, nth))
  stream(response, found.speaks.events(question, saying, nth), saying.broken === 'cut')
}

/** @returns what is wrong with it, where it is none */
function questionOf(api: Api, speaks: Interface, raw: string): Question | string {
  try {
    const body: unknown = JSON.parse(raw)
    return { api, body, ...speaks.read(body) }
  } catch (error) {
    return String(error)
  }
}

function isStreamed(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'stream' in body && body.stream === true
}

function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

function stream(response: ServerResponse, events: readonly StreamEvent[], isCut: boolean): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const sent = isCut ? events.slice(0, Math.max(1, Math.floor(events.length / 3))) : events
  for (const { name, data } of sent)
    response.write(
      `${name ? `event: ${name}\n` : ''}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`,
    )
  response.end()
}
