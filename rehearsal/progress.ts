import type { ServerChild } from './child.ts'
import type { Narrator } from './narrator.ts'
import { taskOf, type TaskView } from './observe.ts'

/** The live line while waiting: what the newest task is doing. @param most so many tasks there are at most @returns what ends it */
export function showProgress(narrator: Narrator, server: ServerChild, most = 1): () => void {
  const show = async () => {
    let task: TaskView | undefined
    for (let nth = most; nth > 0 && !task; nth--) task = await taskOf(server, { nth })
    if (task) narrator.progress(progressLine(task))
  }
  const timer = setInterval(() => void show().catch(() => {}), 500)
  timer.unref()
  return () => clearInterval(timer)
}

function progressLine({ state, status }: TaskView): string {
  const running = state.steps.find((step) => step.status === 'running')
  if (!running) return state.gate ? `waiting for people (${state.gate.kind})` : status
  const cost = running.turns > 0 ? `, ${running.turns} turns, $${running.costUsd.toFixed(2)}` : ''
  return `${running.role.toUpperCase()} ${running.kind.replace('_', ' ')}${cost}`
}
