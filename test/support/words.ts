/**
 * What is said, where, by whom, and what it is taken for: the table that the tests run, and that `docs/commands.md` is made of
 * (`node test/support/words.print.ts`).
 */
export interface Row {
  readonly said: string
  /** What waits or runs in the conversation. */
  readonly at: At
  /** `team` may write to the repository; `requester` too, and asked for the work; `reader` may only read; `author` wrote the issue, and may only read. */
  readonly by?: 'requester' | 'team' | 'reader' | 'author'
  /** What it is taken for: a reason of a decision, or what begins. */
  readonly is: string
  /** Words of the answer; undefined: nothing is said. */
  readonly answer?: string
}
export type At = 'nothing' | 'tests' | 'question' | 'work' | 'plan' | 'deploy' | 'end'

const same = (said: readonly string[], at: At, is: string, answer?: string): Row[] =>
  said.map((one) => ({ said: one, at, is, ...(answer === undefined ? {} : { answer }) }))

export const WORDS: readonly Row[] = [
  // An approval is the exact word, alone.
  ...same(
    ['@muster approve', '@muster approve.', '@muster approve!', '/muster Approve', '@muster[bot]: approve'],
    'plan',
    'plan_approved',
  ),
  ...same(
    [
      '@muster approved',
      '@muster lgtm',
      '@muster LGTM!',
      '@muster approve?',
      '@muster looks good',
      '@muster ship it',
      '@muster please approve',
      '@muster sounds good to me',
      '@muster all good',
    ],
    'plan',
    'unclear',
    'Nothing was approved: an approval is the word',
  ),
  ...same(['@muster lgtm', '@muster approved'], 'deploy', 'unclear', 'Nothing was approved'),
  ...same(['@muster lgtm'], 'work', 'unclear', 'Nothing waits for an approval'),
  ...same(['@muster yes', '@muster ok', '@muster go ahead', '@muster 👍', '@muster +1'], 'plan', 'unclear', 'says yes'),
  ...same(['@muster no', '@muster nope.'], 'plan', 'unclear', 'says no'),
  ...same(
    [
      '@muster approve if the tests pass',
      '@muster approve\nonly if the tests pass',
      '@muster approve\n\nnot yet, wait for Bob',
      '@muster approve\nThanks!',
      '@muster approve please',
    ],
    'plan',
    'bad_argument',
    'nothing was approved',
  ),
  ...same(['@muster approve --force'], 'plan', 'bad_argument', 'knows no option'),
  ...same(['@muster aprove', '@muster appove', '@muster approev'], 'plan', 'unclear', 'Did you mean'),
  // Nothing is stopped by a word that is none.
  ...same(['@muster cancel', '@muster cancel.', '@muster Cancel!'], 'work', 'cancelled', 'Cancelled by'),
  ...same(
    [
      '@muster stop',
      '@muster abort',
      '@muster pause',
      '@muster stop it',
      '@muster please stop',
      '@muster thanks, never mind',
      '@muster hold on',
    ],
    'work',
    'unclear',
    'There is no pause',
  ),
  ...same(
    ['@muster cancle', '@muster cancel?', '@muster cancel it', '@muster please cancel', '@muster canceled'],
    'work',
    'unclear',
    'Did you mean',
  ),
  ...same(['@muster cancel\nbutton must stay as it is'], 'work', 'bad_argument', 'stands alone'),
  ...same(['@muster stop'], 'nothing', 'unclear', 'nothing to stop'),
  ...same(
    [
      '@muster please approve the plan',
      '@muster I approve this plan',
      '@muster LGTM, thanks',
      '@muster lgtm 🚀',
      '@muster looks good to me, go ahead',
      '@muster yes, approve',
    ],
    'plan',
    'unclear',
    'Nothing was approved',
  ),
  ...same(['@muster yes, go ahead', '@muster ok thanks', '@muster no thanks'], 'plan', 'unclear'),
  ...same(
    ['@muster not yet', '@muster wait for Bob', '@muster hold off', '@muster no, wait'],
    'plan',
    'unclear',
    'Nothing was stopped',
  ),
  // With its reason, it is no work to do either.
  ...same(
    [
      '@muster stop please, the customer called off',
      '@muster please stop, sales says no',
      "@muster don't do this",
      '@muster please wait, I need to ask sales first',
      '@muster please wait until monday',
      "@muster we don't need this any more, sorry",
      '@muster stop right now please',
      '@muster no wait',
      '@muster wait!! I am not sure',
    ],
    'plan',
    'unclear',
    'Nothing was stopped',
  ),
  ...same(
    [
      '@muster please cancel, i said',
      '@muster cancel it please - no wait, dont, sorry',
      '@muster cancel - we do it ourselves',
    ],
    'work',
    'unclear',
    'Did you mean',
  ),
  ...same(
    [
      '@muster stop the retries from looping',
      '@muster undo, redo and save are greyed out',
      '@muster wait for the lock before writing',
      "@muster don't round before the discount",
    ],
    'nothing',
    'open request',
  ),
  // Asked after in other words.
  ...same(["@muster what's the status?", '@muster is it done yet?', '@muster any news?'], 'work', 'status'),
  ...same(['@muster what did this cost?', '@muster how much did it cost so far?'], 'work', 'cost', 'so far'),
  ...same(['@muster can you explain the plan?', '@muster could you tell me why?'], 'plan', 'question_elsewhere'),
  ...same(['@muster aprove', '@muster aproved'], 'work', 'unclear', 'Nothing waits for an approval'),
  ...same(['Thanks @muster, sorry for that', 'hm, thanks anyway @muster'], 'end', 'unclear', 'You are welcome'),
  ...same(['@alice can you ask sales? @muster waits for you'], 'work', 'ignored'),
  ...same(
    ['@muster stop working on this', '@muster stop the build', '@muster revert this'],
    'work',
    'unclear',
    'Nothing was stopped',
  ),
  ...same(
    [
      '@muster please cancel the task',
      '@muster can you cancel this?',
      '@muster cancel the build',
      '@muster cancel it please',
      '@muster cancel this, thanks',
      '@muster retry that please',
    ],
    'work',
    'unclear',
    'Did you mean',
  ),
  ...same(
    [
      '@muster approve\n\n<p>not yet, only if the tests pass</p>',
      '@muster approve\n<div>only after Bob agrees</div>',
      '@muster approve\n@muster wait, not yet',
    ],
    'plan',
    'bad_argument',
    'nothing was approved',
  ),
  // A verb with words that it has no use for is prose.
  ...same(
    [
      '@muster cancel button must stay as it is',
      '@muster cost calculation is wrong for 10 pieces',
      '@muster status bar is empty',
      '@muster retry logic loses the last item',
      '@muster continue with the other approach',
      '@muster link in the footer is broken',
    ],
    'work',
    'noted',
    'Noted',
  ),
  ...same(
    [
      '@muster cost calculation is wrong for 10 pieces',
      '@muster deploy script fails',
      '@muster help me fix the rounding',
      '@muster why does the total differ?',
      '@muster lock contention in the worker',
      '@muster add a test',
      '@muster plane crash on startup',
      '@muster rejected orders are not refunded',
      '@muster like this but for invoices',
      '@muster reset the password field after submit',
      '@muster select the first item by default',
      '@muster detect duplicated rows',
      '@muster project settings page is broken',
      '@muster react component crashes',
      '@muster redact tokens in logs',
      '@muster thanks for the fix, but the total is still wrong',
      '@muster please look at this',
      '@muster 四捨五入を直して',
      '@muster https://example.com/issue',
      '@muster lgtm but rename the variable',
    ],
    'nothing',
    'open request',
  ),
  ...same(['@muster build', '@muster build.', '@muster fix the rounding'], 'nothing', 'open build|open fix'),
  ...same(['@muster ask how are totals rounded?'], 'nothing', 'open ask'),
  ...same(['@muster deploy prod', '@muster deploy prod.'], 'end', 'unknown_environment', 'there are: production'),
  ...same(['@muster deploy production', '@muster deploy production v1.2'], 'end', 'not_merged|deploy_requested'),
  ...same(['@muster deplyo production'], 'end', 'unclear', 'deploy production'),
  ...same(
    ['@muster deploy production?', '@muster please deploy production', '@muster can you deploy production?'],
    'end',
    'unclear',
    'Did you mean',
  ),
  ...same(
    ['@muster deploy to production', '@muster deploy production please', '@muster deploy production now'],
    'end',
    'not_merged|deploy_requested',
  ),
  // Mistyped, polite, or just one word: nothing begins, nothing costs.
  ...same(
    ['@muster aprove', '@muster hlep', '@muster staus', '@muster biuld', '@muster fxi'],
    'nothing',
    'unclear',
    'Did you mean',
  ),
  ...same(['@muster foo', '@muster Rounding'], 'nothing', 'unclear', 'is no command'),
  ...same(
    ['@muster thanks', '@muster thank you!', '@muster thanks, great work', '@muster good job'],
    'nothing',
    'unclear',
    'You are welcome',
  ),
  ...same(
    [
      '@muster hi',
      '@muster hi, good morning :)',
      '@muster hello :wave:',
      '@muster good morning, how are you?',
      'Good morning @muster, how are you?',
      'Hi @muster!',
    ],
    'nothing',
    'unclear',
    'Hello!',
  ),
  ...same(['Thank you @muster, great work!', 'Good morning @muster!'], 'work', 'unclear', 'changes nothing'),
  ...same(
    ['@muster what can you do?', '@muster who are you?', '@muster Hi, what can you do?', '@muster help me'],
    'work',
    'help',
    'Command',
  ),
  ...same(['@muster Hi Bob!'], 'nothing', 'unclear', 'Hello!'),
  ...same(
    ['@muster how does this work?', '@muster hello world page is broken', '@muster hi, the totals are wrong'],
    'nothing',
    'open request',
  ),
  { said: 'Thank you @muster, great work!', at: 'work', by: 'reader', is: 'bystander' },
  { said: 'Thank you @muster!', at: 'question', by: 'requester', is: 'unclear', answer: 'changes nothing' },
  ...same(['@muster thanks', '@muster Thanks for fixing this!'], 'plan', 'unclear', 'You are welcome'),
  ...same(['@muster pause', '@muster thanks, never mind'], 'nothing', 'unclear', 'nothing to stop'),
  ...same(['@muster status', '@muster status?', '@muster status please', '@muster Status.'], 'work', 'status'),
  ...same(['@muster help', '@muster', '@muster help?'], 'work', 'help', 'Command'),
  ...same(['@muster cost', '@muster why?'], 'work', 'cost|why'),
  // What changes a plan says so, and what it costs.
  ...same(['@muster use cents instead', '@muster lgtm\nbut rename it'], 'plan', 'plan_amended', 'which costs about'),
  ...same(['@muster reject too risky'], 'plan', 'plan_rejected', 'which costs about'),
  ...same(['@muster reject', '@muster reject.'], 'plan', 'no_reason', 'What should be different?'),
  // In the middle of a sentence.
  ...same(
    ['Hey @muster, can you fix this please?', 'Could you look at this, @muster?'],
    'nothing',
    'mentioned',
    'begins it',
  ),
  ...same(['Hey @muster, please use cents.'], 'plan', 'noted', 'begin a line with'),
  ...same(['Hey @muster, please approve', 'yes pls @muster approve'], 'plan', 'unclear', 'Nothing was approved'),
  ...same(['yes pls @muster approve'], 'deploy', 'unclear', 'Nothing was approved'),
  ...same(['@muster how long does it take?'], 'work', 'question_elsewhere', 'nothing was changed'),
  ...same(
    ['@muster nice work, i will look at it after lunch', 'yay thanks all, and thank you @muster'],
    'end',
    'unclear',
    'You are welcome',
  ),
  { said: 'hmm good question, let me ask bob. thanks!', at: 'question', by: 'requester', is: 'ignored' },
  { said: 'Good question. Per item, please.', at: 'question', by: 'requester', is: 'answered' },
  ...same(
    [
      'cc @muster',
      'as @muster said, it is the rounding',
      'Bob told @muster',
      '@bob see what @muster did',
      "I like @muster's plan",
    ],
    'work',
    'ignored',
  ),
  { said: 'Hey @muster, can you fix this please?', at: 'work', by: 'reader', is: 'bystander' },
  // Other names.
  ...same(
    [
      '@muster.yml should list it',
      '/muster:latest is old',
      '@muster.com is down',
      '@muster-x approve',
      '@musterly approve',
    ],
    'plan',
    'ignored',
  ),
  // Answers to questions.
  // The tests cannot be run, and people are asked whether to go on.
  ...same(['@muster continue', '@muster continue.'], 'tests', 'baseline_accepted'),
  ...same(['@muster retry', '@muster retry.'], 'tests', 'retry'),
  { said: '@muster continue', at: 'tests', by: 'reader', is: 'permission' },
  ...same(['@muster continue without proof', '@muster continue without tests'], 'tests', 'baseline_accepted'),
  ...same(
    ['@muster yes', '@muster ok', '@muster go ahead', '@muster lgtm'],
    'tests',
    'unclear',
    'goes on without proof',
  ),
  // A question changes nothing, and costs nothing.
  ...same(
    ['@muster how does the price list work?', '@muster ask how tiers are sorted', '@muster what would that cost?'],
    'plan',
    'question_elsewhere',
    'nothing was changed',
  ),
  ...same(['@muster could you use cents instead?'], 'plan', 'plan_amended'),
  ...same(['@muster ok go ahead', '@muster yes please do', '@muster ok  go ahead'], 'plan', 'unclear', 'says yes'),
  ...same(['@muster 👍 nice plan', '@muster great plan!'], 'plan', 'unclear', 'Nothing was approved'),
  ...same(['@muster approve'], 'tests', 'no_gate', 'the tests cannot be run'),
  ...same(['@muster they need npm ci first'], 'tests', 'noted', 'The tests still cannot be run'),
  ...same(['They have been broken for weeks.'], 'tests', 'ignored'),
  { said: 'Per item, please.', at: 'question', by: 'requester', is: 'answered' },
  { said: '@muster yes', at: 'question', by: 'requester', is: 'answered' },
  { said: '@muster answer per item', at: 'question', by: 'team', is: 'answered' },
  { said: '@muster per item', at: 'question', by: 'team', is: 'answered' },
  { said: 'I would say per item.', at: 'question', by: 'team', is: 'ignored' },
  { said: 'I have that too!', at: 'question', by: 'reader', is: 'ignored' },
  { said: '@muster answer per item', at: 'question', by: 'author', is: 'answered' },
  { said: 'Per item, please.', at: 'question', by: 'author', is: 'answered' },
  { said: '@muster answer per item', at: 'question', by: 'reader', is: 'permission' },
  { said: '@muster approve', at: 'plan', by: 'author', is: 'permission', answer: 'write permission' },
  { said: '@bob what do you think?', at: 'question', by: 'requester', is: 'ignored' },
  { said: 'Thanks!', at: 'question', by: 'requester', is: 'ignored' },
  { said: '@muster lgtm', at: 'question', by: 'team', is: 'unclear', answer: 'Nothing waits for an approval' },
  { said: '@muster thanks', at: 'question', by: 'team', is: 'unclear', answer: 'You are welcome' },
  // Only who may write.
  { said: '@muster approve', at: 'plan', by: 'reader', is: 'permission', answer: 'write permission' },
  { said: '@muster status', at: 'work', by: 'reader', is: 'status' },
  // Not their author's own words, or not to be seen.
  ...same(
    [
      '> @muster approve',
      '> quoted\n@muster approve',
      '```\n@muster approve\n```',
      '    @muster approve',
      '<details>\n\n@muster approve\n\n</details>',
      'folded <details>\n\n@muster approve',
      'as <del>\n@muster approve\n</del>',
      '~~@muster approve~~',
      '~~never\n@muster approve~~',
      '- @muster approve',
      '# @muster approve',
      '<!-- @muster approve -->',
      'Fine.\n\nOn Mon, 1 Jan 2026 at 10:00, Alice <alice@example.com> wrote:\n@muster approve',
      'From: Alice <alice@example.com>\nSent: Monday\nTo: Bob\n\n@muster approve',
      '<!--><details>\n\n@muster approve\n\n</details>',
      '<!-- a --!><details>\n-->\n\n@muster approve',
      '<details>\n\n<a title="</details>">x</a>\n\n@muster approve',
      '<details>\n\n<? </details> ?>\n\n@muster approve',
      '<details><table><tr><td></details></td></tr></table>\n\n@muster approve',
      '<details><s></details>\n\n@muster approve',
      '[^1]: a longer note\n@muster approve',
      '<div hidden>\n\n@muster approve\n\n</div>',
    ],
    'plan',
    'ignored',
  ),
  ...same(
    [
      '<details><summary>The log</summary>\n\n...\n\n</details>\n\n@muster approve',
      '<!-- a note -->\n@muster approve',
      'Bump\nFrom: 1.2\nTo: 1.3\n\n@muster approve',
      'On Tuesday Bob wrote:\n> should we?\n\n@muster approve',
      'Before.\n\n__________\n\n@muster approve',
      '> ```\n> code\n> ```\n\n@muster approve',
      '1. ```\n   x\n@muster approve',
      'Thanks!\n@muster approve',
    ],
    'plan',
    'plan_approved',
  ),
]
