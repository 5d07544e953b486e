import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Scene, startScene } from '../support/scene.ts'

interface Operation {
  readonly operationId: string
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >
}
interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
}

describe('the description of the API', () => {
  let scene: Scene
  let api: Description
  beforeAll(async () => {
    scene = await startScene()
    api = (await (await fetch(`${scene.url}/api/v1/openapi.json`)).json()) as Description
  })
  afterAll(() => scene.stop())
  const operations = () => Object.values(api.paths).flatMap((item) => Object.values(item))

  it('names every operation, each otherwise, and has its parts once', () => {
    const names = operations().map(({ operationId }) => operationId)
    expect(new Set(names).size).toBe(names.length)
    expect(names).toEqual(expect.arrayContaining(['getTasks', 'getTasksById', 'getTasksByIdEvents', 'postTasks']))
    expect(Object.keys(api.components.schemas)).toEqual(
      expect.arrayContaining(['Problem', 'Decision', 'Event', 'Task', 'TaskDetail', 'HistoryEvent']),
    )
    for (const [, name = ''] of JSON.stringify(api).matchAll(/#\/components\/schemas\/([\w-]+)/g))
      expect(Object.keys(api.components.schemas)).toContain(name)
  })

  it('tells of problems in their own form', () => {
    for (const { responses } of operations())
      for (const [status, { content }] of Object.entries(responses))
        if (Number(status) >= 400)
          expect(content).toEqual({ 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } })
  })

  it.each([
    ['get', '/api/v1/tasks', '/api/v1/tasks?limit=0', {}],
    ['get', '/api/v1/tasks/{id}', '/api/v1/tasks/none', {}],
    ['get', '/api/v1/tasks/{id}/events', '/api/v1/tasks/none/events', {}],
    ['post', '/api/v1/tasks', '/api/v1/tasks', { body: '{}', type: 'application/json' }],
    [
      'post',
      '/api/v1/tasks',
      '/api/v1/tasks',
      { body: '{"repository":"acme/none","issue":1}', type: 'application/json' },
    ],
    ['post', '/api/v1/tasks', '/api/v1/tasks', { body: 'x', type: 'text/csv' }],
    [
      'post',
      '/api/v1/tasks',
      '/api/v1/tasks',
      { body: '{}', type: 'application/json', origin: 'https://evil.example' },
    ],
    ['delete', '/api/v1/people/{channel}/{account}/{member}', '/api/v1/people/slack/T1/U1', {}],
    ['get', '/api/v1/tasks', '/api/v1/tasks', {}],
    ['get', '/api/v1/events', '/api/v1/events', {}],
  ])('says what the wire says: %s %s', async (method, path, address, extra) => {
    const { body, type, origin } = extra as { body?: string; type?: string; origin?: string }
    const answer = await fetch(scene.url + address, {
      method: method.toUpperCase(),
      ...(body === undefined ? {} : { body }),
      headers: { ...(type ? { 'content-type': type } : {}), ...(origin ? { origin } : {}) },
    })
    const told = api.paths[path]?.[method]?.responses[String(answer.status)]
    expect(told, `${answer.status}`).toBeDefined()
    expect(Object.keys(told?.content ?? {})).toContain(answer.headers.get('content-type')?.split(';', 1).join())
  })
})
