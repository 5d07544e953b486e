import { createHmac } from 'node:crypto'
import { Shapes } from './shapes.ts'
import { type Account, type Delivery, guid, now, type Repo, type World } from './world.ts'

/** Sends webhooks as GitHub does: signed, with a GUID, in order, without any retry of its own. */
export class Hooks {
  readonly #world: World
  readonly #shapes: Shapes
  #tail: Promise<unknown> = Promise.resolve()

  constructor(world: World) {
    this.#world = world
    this.#shapes = new Shapes(world)
  }

  /** Sends an event about a repository; resolves when it was answered (or not). */
  emit(
    event: string,
    action: string | undefined,
    repo: Repo,
    sender: Account,
    rest: Record<string, unknown>,
  ): Promise<void> {
    if (!this.#world.events.includes(event)) return Promise.resolve()
    const payload = {
      ...(action ? { action } : {}),
      ...rest,
      repository: this.#shapes.repo(repo),
      sender: this.#shapes.user(sender),
      installation: { id: this.#world.installationId, node_id: 'MDIz' },
    }
    const delivery: Delivery = {
      id: this.#world.id(),
      guid: guid(),
      event,
      action: action ?? null,
      body: JSON.stringify(payload),
      repositoryId: repo.id,
      deliveredAt: now(),
      redelivery: false,
      statusCode: 0,
      seconds: 0,
    }
    this.#world.deliveries.push(delivery)
    return this.#send(delivery)
  }

  /** The same delivery again: same GUID, same body. */
  redeliver(original: Delivery): Promise<void> {
    const delivery: Delivery = {
      ...original,
      id: this.#world.id(),
      deliveredAt: now(),
      redelivery: true,
      statusCode: 0,
      seconds: 0,
    }
    this.#world.deliveries.push(delivery)
    return this.#send(delivery)
  }

  #send(delivery: Delivery): Promise<void> {
    const sent = this.#tail.then(() => this.#post(delivery))
    this.#tail = sent
    return sent
  }

  async #post(delivery: Delivery): Promise<void> {
    const { webhookUrl, webhookSecret, id } = this.#world.app
    if (!webhookUrl) return
    const started = performance.now()
    const sign = (algorithm: string) => createHmac(algorithm, webhookSecret).update(delivery.body).digest('hex')
    try {
      const response = await fetch(webhookUrl, {
        method: 'POST',
        body: delivery.body,
        headers: {
          'content-type': 'application/json',
          'user-agent': 'GitHub-Hookshot/rehearsal',
          'x-github-delivery': delivery.guid,
          'x-github-event': delivery.event,
          'x-github-hook-id': '1',
          'x-github-hook-installation-target-id': String(id),
          'x-github-hook-installation-target-type': 'integration',
          'x-hub-signature': `sha1=${sign('sha1')}`,
          'x-hub-signature-256': `sha256=${sign('sha256')}`,
        },
        signal: AbortSignal.timeout(10_000),
      })
      delivery.statusCode = response.status
    } catch {
      delivery.statusCode = 502
    }
    delivery.seconds = (performance.now() - started) / 1000
  }

  /** Waits until everything that was to be sent has been. */
  async idle(): Promise<void> {
    await this.#tail
  }
}
