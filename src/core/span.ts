import { z } from 'zod'

/** A span of time as people write it: a number of seconds, or `20s`, `10m`, `2h`. Comes out in seconds, which may go in again. */
export const span = z
  .union([z.number().positive(), z.string().regex(/^\d+(\.\d+)?\s*[smh]$/)], { error: 'a time such as 20s, 10m or 2h' })
  .transform((value) =>
    typeof value === 'number' ? value : Number.parseFloat(value) * ({ s: 1, m: 60, h: 3600 }[value.slice(-1)] ?? 1),
  )
