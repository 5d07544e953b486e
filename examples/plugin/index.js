// @ts-check
import { definePlugin } from 'muster/plugin'
import { folder } from './folder.js'
import { keeper } from './keeper.js'
import { command, tidy } from './tidy.js'

/** A role, the workflow that it works in, the command that begins it, and a target to release to. */
export default definePlugin({
  name: 'example',
  needs: '^1.0.0',
  roles: [keeper],
  workflows: [tidy],
  commands: [command],
  targets: [folder],
})
