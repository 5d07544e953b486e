import type { HomeView, ModalView, KnownBlock } from '@slack/types'
import type { z } from 'zod'
import type { Form } from '../../core/effects.ts'
import { type Reading, titleOf } from '../../core/reply/foreign.ts'
import type { Thread } from './deps.ts'
import type { FormMemory } from './schema.ts'

/** How Slack calls the forms that are answered. */
export const FORMS = { answer: 'muster:answer', repository: 'muster:repository' } as const
const MAX_QUESTIONS = 20
const MAX_CHOICES = 100
const MAX_LABEL = 2000

/** A form as Slack shows it. */
export function modalOf(form: Form, { room, thread }: Thread, how: Reading): ModalView {
  const memory: z.input<typeof FormMemory> = {
    room,
    thread,
    ...(form.name === 'repository' ? { event: form.event } : {}),
  }
  return {
    type: 'modal',
    callback_id: FORMS[form.name],
    private_metadata: JSON.stringify(memory),
    title: { type: 'plain_text', text: form.name === 'answer' ? 'Answer Muster' : 'Which repository?' },
    submit: { type: 'plain_text', text: form.name === 'answer' ? 'Send' : 'Start' },
    close: { type: 'plain_text', text: 'Cancel' },
    blocks:
      form.name === 'answer'
        ? form.questions.slice(0, MAX_QUESTIONS).map((one, index) => question(titleOf(one, MAX_LABEL, how), index))
        : [choice(form.choices)],
  }
}

function question(text: string, index: number): KnownBlock {
  return {
    type: 'input',
    block_id: `q${index}`,
    label: { type: 'plain_text', text },
    element: { type: 'plain_text_input', action_id: 'value', multiline: true, max_length: 3000 },
  }
}

function choice(names: readonly string[]): KnownBlock {
  return {
    type: 'input',
    block_id: 'repository',
    label: { type: 'plain_text', text: 'Repository' },
    element: {
      type: 'static_select',
      action_id: 'value',
      options: names
        .slice(0, MAX_CHOICES)
        .map((name) => ({ text: { type: 'plain_text', text: name.slice(0, 75) }, value: name.slice(0, 150) })),
    },
  }
}

/** The tab that Muster has in Slack. */
export function homeOf(blocks: KnownBlock[]): HomeView {
  return { type: 'home', callback_id: 'muster:home', blocks: blocks.slice(0, 100) }
}
