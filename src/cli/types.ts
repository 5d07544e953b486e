/** A server that runs, and how to stop it. */
export interface Running {
  readonly port: number
  /** Finishes or hands back what runs, within ten seconds. */
  stop(): Promise<void>
}

/** Where a command writes what people read. */
export type Print = (line: string) => void
