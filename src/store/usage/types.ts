/** What one model was asked for one purpose, in all. */
export interface UsageRow {
  readonly provider: string
  readonly model: string
  readonly tier: string | undefined
  /** The name of the prompt. */
  readonly prompt: string | undefined
  readonly turns: number
  /** All tokens of the prompts: those from and for a cache are among them. */
  readonly inputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWriteTokens: number
  readonly outputTokens: number
  readonly usd: number
  readonly medianMs: number | undefined
}

/** What came of the changes of one repository that one model had the most part in. */
export interface OutcomeRow {
  readonly repository: string
  readonly provider: string
  readonly model: string
  readonly tasks: number
  readonly merged: number
  /** Cancelled, or handed off. */
  readonly failed: number
  readonly usd: number
}

export interface UsageStore {
  /** @param since ms */
  turns(since: number): Promise<readonly UsageRow[]>
  outcomes(since: number): Promise<readonly OutcomeRow[]>
}
