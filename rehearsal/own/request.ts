import { readFileSync } from 'node:fs'
import { UserError } from '../../src/core/errors.ts'
import { cutLine } from '../../src/core/harmless.ts'

/** An issue, as somebody wrote it. */
export interface Request {
  readonly title: string
  readonly body: string
}

const TITLE = 250

/** An issue from a file: its first line is the title, whatever follows the text. @throws UserError where there is nothing */
export function readRequest(file: string): Request {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new UserError('no_issue', `The issue cannot be read: there is no file ${file}.`, { cause: error })
  }
  return requestOf(text, file)
}

/** @param where it came from, for whoever has to mend it */
export function requestOf(text: string, where: string): Request {
  const [first = '', ...rest] = text.trim().split('\n')
  const title = cutLine(first.replace(/^#+\s*/, '').trim(), TITLE)
  if (title === '')
    throw new UserError('no_issue', `${where} is empty.`, {
      hint: 'Its first line is the title of the issue, what follows its text.',
    })
  return { title, body: rest.join('\n').trim() }
}
