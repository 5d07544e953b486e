/** The look of the rehearsal's page. */
export const STYLE = `body{font:14px/1.5 -apple-system,"Segoe UI","Noto Sans",Helvetica,Arial,sans-serif;color:#1f2328;margin:0;background:#fff}header{background:#f6f8fa;border-bottom:1px solid #d1d9e0;padding:12px 24px;display:flex;gap:16px;align-items:center}
header a{color:#1f2328;text-decoration:none;font-size:15px}main{max-width:900px;margin:24px auto;padding:0 16px}h1{font-size:26px;font-weight:400;margin:0 0 8px}h2{font-size:18px}.hint{color:#59636e;font-weight:400}a{color:#0969da}
.badge{color:#fff;border-radius:2em;padding:3px 12px;font-weight:500}.open{background:#1f883d}.merged{background:#8250df}.draft{background:#59636e}.label{border:1px solid #d1d9e0;border-radius:2em;padding:1px 8px;font-size:12px}
.box{border:1px solid #d1d9e0;border-radius:6px;margin:16px 0;overflow:hidden}.who{background:#f6f8fa;border-bottom:1px solid #d1d9e0;padding:8px 16px}.who time{color:#59636e}.body{padding:8px 16px;overflow-x:auto}.edits{padding:0 16px}
.body h3{font-size:17px;margin:12px 0 8px}.body table{border-collapse:collapse;margin:8px 0}.body td,.body th{border:1px solid #d1d9e0;padding:5px 12px}.body tr:nth-child(2n){background:#f6f8fa}.body pre{background:#f6f8fa;padding:12px;border-radius:6px;overflow:auto}
.body pre.mermaid{background:none}code{background:#eff1f3;padding:.15em .35em;border-radius:4px;font:12px ui-monospace,monospace}pre code{background:none;padding:0}blockquote{border-left:4px solid #d1d9e0;margin:8px 0;padding:0 12px;color:#59636e}
blockquote.alert{border-color:#8250df;color:#1f2328}.alert-title{color:#8250df;font-weight:600}.reactions{padding:0 16px 8px;margin:0}.reactions span{border:1px solid #d1d9e0;border-radius:2em;padding:2px 8px;margin-right:6px}.event{color:#59636e;margin:16px}
.thread{margin:0 0 16px 32px}.path{font:12px ui-monospace,monospace;color:#59636e}.check summary{padding:10px 16px;cursor:pointer}.diff{border:1px solid #d1d9e0;border-radius:6px;padding:8px 0;font:12px/1.5 ui-monospace,monospace;overflow-x:auto}
.diff span{display:block;padding:0 12px;white-space:pre}.add{background:#dafbe1}.del{background:#ffebe9}.meta{background:#ddf4ff;color:#59636e}.list{list-style:none;padding:0}.list li{padding:6px 0}hr{border:0;border-top:4px solid #d1d9e0;margin:40px 0}.body ul:has(input){list-style:none;padding-left:8px}`

/** Draws the diagrams, and loads the page anew when something happened (unless the reader has scrolled away from the top). */
export const CLIENT_SCRIPT = `mermaid.initialize({ startOnLoad: false, securityLevel: 'strict' })
const closed = [...document.querySelectorAll('details')].filter((one) => !one.open)
mermaid.run().catch(() => {}).finally(() => { document.body.dataset.ready = 'yes' })
let seen
setInterval(async () => {
  const now = await fetch('/assets/version').then((answer) => answer.text()).catch(() => seen)
  if (seen !== undefined && now !== seen && scrollY < 80 && closed.every((one) => !one.open)) location.reload()
  seen = now
}, 2000)
`
