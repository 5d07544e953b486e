import { startClickup } from '../../rehearsal/clickup/server.ts'
import { ClickupWorld } from '../../rehearsal/clickup/world.ts'
import { startJira } from '../../rehearsal/jira/server.ts'
import { JiraWorld } from '../../rehearsal/jira/world.ts'
import { startSlack } from '../../rehearsal/slack/server.ts'
import { SlackWorld } from '../../rehearsal/slack/world.ts'
import { type ContractCheck, contractCheck } from './contract.ts'

/** A workspace with alice and bob, and a channel of theirs. */
export async function slackStage(port?: number) {
  const world = new SlackWorld()
  const [alice, bob] = [world.addUser('alice'), world.addUser('bob')]
  const channel = world.addChannel('shop')
  const server = await startSlack(world, port)
  return {
    server,
    alice,
    bob,
    channel,
    env: {
      SLACK_BOT_TOKEN: world.botToken,
      SLACK_SIGNING_SECRET: world.signingSecret,
      SLACK_API_URL: `${server.url}/api`,
    },
    listen: (url: string) => {
      world.eventsUrl = `${url}/api/slack/events`
    },
  }
}

/** A site with a project of alice's and bob's, whose tickets are about the sample repository. */
export async function jiraStage(check: ContractCheck | undefined, port?: number) {
  const world = new JiraWorld()
  const [alice, bob] = [world.addUser('alice'), world.addUser('bob')]
  const server = await startJira(world, {
    ...(check ? { onExchange: check.onExchange } : {}),
    ...(port ? { port } : {}),
  })
  return {
    server,
    alice,
    bob,
    env: {
      JIRA_HOST: server.url,
      JIRA_EMAIL: world.bot.emailAddress,
      JIRA_API_TOKEN: world.token,
      JIRA_WEBHOOK_SECRET: world.secret,
      JIRA_PROJECTS: 'SHOP=acme/price-service',
    },
    listen: (url: string) => {
      world.hooksUrl = `${url}/api/jira/webhooks`
    },
  }
}

/** A workspace of alice's and bob's, with a list that is about the sample repository. */
export async function clickupStage(check: ContractCheck | undefined, port?: number) {
  const world = new ClickupWorld()
  const [alice, bob] = [world.addUser('alice'), world.addUser('bob')]
  const server = await startClickup(world, {
    ...(check ? { onExchange: check.onExchange } : {}),
    ...(port ? { port } : {}),
  })
  return {
    server,
    alice,
    bob,
    env: {
      CLICKUP_API_TOKEN: world.token,
      CLICKUP_WEBHOOK_SECRET: world.secret,
      CLICKUP_API_URL: `${server.url}/api/v2`,
      CLICKUP_TEAM_ID: world.team.id,
      CLICKUP_LISTS: `${world.list.id}=acme/price-service`,
    },
    listen: (url: string) => {
      const endpoint = `${url}/api/clickup/webhooks`
      world.hooks.push({ id: 'hook-1', endpoint, events: ['*'], failCount: 0, status: 'active', secret: world.secret })
    },
  }
}

export type SlackStage = Awaited<ReturnType<typeof slackStage>>
export type JiraStage = Awaited<ReturnType<typeof jiraStage>>
export type ClickupStage = Awaited<ReturnType<typeof clickupStage>>

export const checks = { jira: contractCheck('jira'), clickup: contractCheck('clickup') }
