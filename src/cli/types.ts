/** A server that runs, and how to stop it. */
export interface Running {
  readonly port: number
  /** Where Muster is set up, on this machine; undefined once that is done. */
  readonly setupUrl?: string | undefined
  /** Finishes or hands back what runs, within ten seconds. */
  stop(): Promise<void>
}

/** Where a command writes what people read. */
export type Print = (line: string) => void
