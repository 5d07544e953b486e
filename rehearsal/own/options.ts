import { UserError } from '../../src/core/errors.ts'

/** An option that is a number above nothing. @throws UserError */
export function numberOf(option: string, text: string): number {
  const value = Number(text)
  if (value > 0 && Number.isFinite(value)) return value
  throw new UserError('bad_option', `${option} is no number above 0: "${text}".`)
}

/** An option that is a list, with commas between. */
export function listOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean)
}
