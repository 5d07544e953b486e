/** What the people of the stories write. */

export const ISSUE = {
  title: 'Orders of 10 to 49 bolts are charged the 5-piece price',
  body: `A customer complained about a quote for 12 M8 bolts, and he is right:

\`\`\`
$ curl 'localhost:8080/quote?sku=bolt-m8&quantity=12'
{"sku":"bolt-m8","quantity":12,"unit":0.38,"total":4.56}
\`\`\`

The price list says 0.32 each from 10 pieces on, so it should be 3.84. 7 pieces come out right, 60 too.`,
}

export const REVIEW = {
  inline: 'Please test the limits too: exactly 10 pieces must get the price for 10, and 9 must not.',
  body: 'Does `/tiers` list the tiers in the right order now as well?',
}

export const ANSWER =
  'The price list in the repository is right. Please mend `/tiers` with it, if it is the same cause.'
