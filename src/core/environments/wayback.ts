import type { WayBack } from '../artefacts.ts'

/** What is known of the way back from a release. */
export interface WayBackFacts {
  /** What is live; undefined: nothing. */
  readonly liveSha: string | undefined
  /** Whether the target keeps what is live, and can put it back as it is. */
  readonly isKept: boolean
  /** The files of migrations in the range. */
  readonly migrations: readonly string[]
  /** Whether the repository says that its migrations only add: what is live works after them too. */
  readonly onlyAdds: boolean
  /** Whether a regression is to be taken back by itself. */
  readonly isWanted: boolean
}

/** Whether there is a way back, and whether it is taken by itself: never over a migration that nobody has declared. Pure. */
export function wayBackOf({ liveSha: to, isKept, migrations, onlyAdds, isWanted }: WayBackFacts): WayBack {
  const no = (why: string): WayBack => ({ to, isReady: false, isAutomatic: false, why })
  if (to === undefined) return no('nothing is live before it')
  if (!isKept) return no('the target keeps no earlier release that could be put back')
  if (migrations.length > 0 && !onlyAdds)
    return no(
      `migrations are in the range (${migrations.slice(0, 3).join(', ')}${migrations.length > 3 ? ' …' : ''}), and nobody has declared that what is live works after them`,
    )
  const kept = `${to.slice(0, 7)} is kept as it is${migrations.length > 0 ? '; the migrations only add' : ''}`
  return {
    to,
    isReady: true,
    isAutomatic: isWanted,
    why: isWanted ? `${kept}; a regression is taken back by itself` : kept,
  }
}

/** Where migrations stand where the settings do not say: Rails, Django, Prisma, Alembic, Flyway and their like. */
export const USUAL_MIGRATIONS: readonly string[] = [
  '**/migrations/**',
  '**/migrate/**',
  '**/alembic/versions/**',
  '**/db/migration/**',
]
