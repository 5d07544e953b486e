/** Plain SQL, for what Prisma cannot say or makes slow: the inbox insert and the migrations. */
export interface Sql {
  query(text: string, params?: readonly unknown[]): Promise<{ rows: readonly Record<string, unknown>[] }>
  /** Several statements at once, without parameters. */
  exec(text: string): Promise<void>
}
