import { absentWorkflow } from '../../src/core/workflows/absent.ts'

/** What a small workflow of a test says about itself beside its name and its steps: as little as one that is not there. */
export const LIGHT = absentWorkflow('test/light')
