import type { FastifyInstance, FastifyReply } from 'fastify'

/** Small pages for people: no script, nothing from elsewhere. */

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;color:#1f2328;background:#f6f8fa;margin:0}main{max-width:40rem;margin:4rem auto;padding:2rem;background:#fff;border:1px solid #d1d9e0;border-radius:12px}
h1{margin:0 0 .25rem;font-size:1.6rem}code{background:#eff1f3;padding:.1em .35em;border-radius:4px}
.button{display:inline-block;text-decoration:none}.button,button{font:inherit;font-weight:600;background:#1f883d;color:#fff;border:0;border-radius:6px;padding:.6rem 1.1rem;cursor:pointer}button.plain{background:#f6f8fa;color:#1f2328;border:1px solid #d1d9e0}input{font:inherit;padding:.45rem .6rem;border:1px solid #d1d9e0;border-radius:6px}form{margin:1rem 0}
.note{background:#fff8c5;border:1px solid #d4a72c;border-radius:8px;padding:.2rem 1rem;margin:1rem 0}.bad{color:#cf222e}table{border-collapse:collapse;margin:1rem 0}th{text-align:left;padding:.3rem 1.2rem .3rem 0;font-weight:600;vertical-align:top}td{padding:.3rem 0}
li{margin:.4rem 0}.muted{color:#59636e}.ok{color:#1a7f37;font-weight:600}`

export function html(reply: FastifyReply, body: string): FastifyReply {
  return reply
    .type('text/html; charset=utf-8')
    .header(
      'content-security-policy',
      "default-src 'none'; style-src 'unsafe-inline'; form-action https: http:; frame-ancestors 'none'",
    )
    .header('referrer-policy', 'no-referrer')
    .send(page(body))
}

/** Takes what a button without fields sends. */
export function forms(app: FastifyInstance): FastifyInstance {
  const type = 'application/x-www-form-urlencoded'
  if (!app.hasContentTypeParser(type))
    app.addContentTypeParser(type, { parseAs: 'string', bodyLimit: 1024 }, (_request, _body, done) => done(null, {}))
  return app
}

function page(body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Muster</title><style>${STYLE}</style><main>${body}</main></html>`
}
