/** What mail programs put above the mail that is answered, each on one line or broken over two. */
const WROTE =
  /^(?:On|Am|Le|El|Il|Op|Den|Em|W dniu) .{6,200}(?:wrote|schrieb|a écrit|escribió|ha scritto|schreef|skrev|escreveu|napisał).{0,120}:$/
/** A time, a year or an address: without one it is a sentence. */
const WHEN = /\d{1,2}[:.]\d{2}|\d{4}|<[^<>\s]{1,200}@/
const ORIGINAL = /^(?:-{2,} ?(?:Original Message|Forwarded message|Ursprüngliche Nachricht|Message d'origine) ?-{2,})$/i
const SENDER = /^\*{0,2}(?:From|Von|De|Da|Van|Från):\*{0,2} \S/
const SENT = /^\*{0,2}(?:Sent|Date|Gesendet|Datum|Envoyé|Enviado|Skickat|Verzonden):\*{0,2} \S/
const HEADER = /^\*{0,2}(?:To|Subject|An|Betreff|À|Objet|Para|Asunto|Till|Ämne|Aan|Onderwerp):\*{0,2} \S/

/** From which line on a text is the history of a mail: somebody's earlier words, which not every program marks as a quote. */
export function historyFrom(lines: readonly string[]): number {
  const found = lines.findIndex((line, index) => {
    const [here, next] = [line.trim().slice(0, 400), (lines[index + 1] ?? '').trim().slice(0, 400)]
    if ([here, `${here} ${next}`].some((one) => WROTE.test(one) && WHEN.test(one))) return true
    if (ORIGINAL.test(here)) return true
    // A header of three: who, when, and to whom or about what.
    const below = lines.slice(index + 1, index + 6).map((one) => one.trim().slice(0, 400))
    return SENDER.test(here) && below.some((one) => SENT.test(one)) && below.some((one) => HEADER.test(one))
  })
  return found < 0 ? lines.length : found
}
