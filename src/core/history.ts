/** What mail programs put above the mail that is answered, each on one line or broken over two. */
const WROTE =
  /^(?:On|Am|Le|El|Il|Op|Den|Em|W dniu) .{6,200}(?:wrote|schrieb|a écrit|escribió|ha scritto|schreef|skrev|escreveu|napisał).{0,120}:$/
const ORIGINAL =
  /^(?:-{2,} ?(?:Original Message|Forwarded message|Ursprüngliche Nachricht|Message d'origine) ?-{2,}|_{10,})$/i
const SENDER = /^\*{0,2}(?:From|Von|De|Da|Van|Från):\*{0,2} \S/
const HEADER =
  /^\*{0,2}(?:Sent|Date|To|Subject|Gesendet|Datum|An|Betreff|Envoyé|À|Objet|Enviado|Para|Asunto):\*{0,2} \S/

/** From which line on a text is the history of a mail: somebody's earlier words, which not every program marks as a quote. */
export function historyFrom(lines: readonly string[]): number {
  const found = lines.findIndex((line, index) => {
    const [here, next] = [line.trim().slice(0, 400), (lines[index + 1] ?? '').trim().slice(0, 400)]
    if (WROTE.test(here) || WROTE.test(`${here} ${next}`) || ORIGINAL.test(here)) return true
    return SENDER.test(here) && lines.slice(index + 1, index + 5).some((one) => HEADER.test(one.trim().slice(0, 400)))
  })
  return found < 0 ? lines.length : found
}
