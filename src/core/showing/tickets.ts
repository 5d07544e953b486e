import { workflowOf } from '../workflows/registry.ts'
import type { EffectIntent, TicketState } from '../effects.ts'
import { buttonsOf } from '../reply/buttons.ts'
import { type Document, type Own, paragraph, theirs, say } from '../reply/document.ts'
import { isTicket, type Surface, surfaceKey, surfaceName, channelTraits } from '../said.ts'
import { surfaceLink } from '../reply/surface.ts'
import { askedPeople } from '../task/asked.ts'
import { comment, message, place } from './places.ts'
import { isActive } from '../task/steps.ts'
import { gateMessage } from './waiting.ts'
import type { Gate, Release, Task, TaskEvent } from '../task/types.ts'

/** What only surfaces show: tickets move with the work and link to what came of it; a new place is told what is open. */
export function surfaceEffects(task: Task, event: TaskEvent): EffectIntent[] {
  const all = task.surfaces ?? []
  switch (event.type) {
    case 'task.opened':
      return workflowOf(task).movesTickets ? moves(task, all, 'progress') : []
    case 'surface.linked':
      return joined(task, event.surface)
    case 'surface.unlinked':
      return event.why === 'gone' ? comment(task, `gone:${surfaceKey(event.surface)}`, gone(event.surface)) : []
    case 'surface.troubled':
      return troubled(task, event.surface, event.error)
    case 'surface.mended':
      return elsewhere(
        task,
        event.surface,
        'mended',
        say`I can write to ${surfaceLink(event.surface)} again. What I had to say meanwhile is here.`,
      )
    case 'gate.approved':
      return event.gate === 'plan' ? parts(task, all) : []
    case 'pr.opened':
      return all.flatMap((surface) => pullLink(task, surface))
    case 'pr.merged':
      return [...moves(task, all, 'done'), ...all.flatMap((surface) => pullLink(task, surface))]
    case 'task.cancelled':
      return workflowOf(task).movesTickets ? moves(task, all, 'todo') : []
    case 'release.deployed':
    case 'release.watched': {
      const release = task.releases.find(({ index }) => index === event.release)
      if (!release) return []
      return all.flatMap((surface) => releaseLink(task, surface, release))
    }
    default:
      return []
  }
}

/** A large ticket is split, where the repository wants that: only along parts that the approved design calls independent. */
function parts(task: Task, surfaces: readonly Surface[]): EffectIntent[] {
  const titles = (task.design?.slices ?? []).map(({ title }) => title)
  if (!task.settings.tickets?.subtasks || titles.length < 2) return []
  return surfaces
    .filter(({ channel }) => channelTraits(channel).subtasks)
    .map((surface) => ({
      key: `split:${task.planHash?.slice(0, 12) ?? ''}@${surfaceKey(surface)}`,
      body: { kind: 'ticket.split', place: place(task), surface, parts: titles },
    }))
}

/** A place that joins sees the card, what is waiting for people, and what came of the work so far. */
function joined(task: Task, surface: Surface): EffectIntent[] {
  const state: TicketState | undefined = task.merged ? 'done' : isActive(task) ? 'progress' : undefined
  return [
    ...task.gates.flatMap((gate) => asked(task, surface, gate)),
    ...(state && workflowOf(task).movesTickets ? moves(task, [surface], state) : []),
    ...pullLink(task, surface),
    ...task.releases.flatMap((release) => releaseLink(task, surface, release)),
  ]
}

function asked(task: Task, surface: Surface, gate: Gate): EffectIntent[] {
  const open = gateMessage(task, gate)
  return open ? [message(task, surface, open.key, open.document, buttonsOf(task, gate), askedPeople(task, gate))] : []
}

function moves(task: Task, surfaces: readonly Surface[], to: TicketState): EffectIntent[] {
  return surfaces.filter(isTicket).map((surface) => ({
    key: `move:${to}:${task.version}@${surfaceKey(surface)}`,
    body: { kind: 'ticket.move', place: place(task), surface, to },
  }))
}

function pullLink(task: Task, surface: Surface): EffectIntent[] {
  const { pullRequest, merged } = task
  if (!pullRequest || !isTicket(surface)) return []
  const title = `#${pullRequest.number} ${task.patches[0]?.note.title ?? task.origin.title}`
  const body = {
    kind: 'ticket.link',
    place: place(task),
    surface,
    what: 'pull_request',
    url: pullRequest.url,
    title,
    done: merged !== undefined,
  } as const
  return [{ key: `link:pr:${body.done ? 'merged' : 'open'}@${surfaceKey(surface)}`, body }]
}

function releaseLink(task: Task, surface: Surface, { index, deployed, report }: Release): EffectIntent[] {
  if (!deployed?.ok || !isTicket(surface)) return []
  const title = `${deployed.environment}: ${deployed.sha.slice(0, 7)}${report ? `, ${report.verdict}` : ''}`
  const body = {
    kind: 'ticket.link',
    place: place(task),
    surface,
    what: 'deployment',
    url: deployed.url,
    title,
    // A link that is done is struck through: this one is where the service is.
    done: false,
  } as const
  return [{ key: `link:release:${index}:${report ? 'watched' : 'live'}@${surfaceKey(surface)}`, body }]
}

function gone(surface: Surface): Document {
  return [paragraph(say`${capital(surfaceName(surface))} was deleted or is closed to me. The work goes on here.`)]
}

/** Where it cannot be said, it is said elsewhere: what is wrong, and whose turn it is. */
function troubled(task: Task, surface: Surface, error: string): EffectIntent[] {
  const text = say`I cannot write to ${surfaceLink(surface)} any more. ${theirs(error)}. Whoever runs Muster has to mend that; until then the work goes on here.`
  return elsewhere(task, surface, 'trouble', text)
}

function elsewhere(task: Task, surface: Surface, about: string, text: Own): EffectIntent[] {
  const key = surfaceKey(surface)
  const told = comment(task, `${about}:${task.version}`, [paragraph(text)])
  return told.filter(({ body }) => !('surface' in body) || surfaceKey(body.surface) !== key)
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
