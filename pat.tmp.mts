import { patternsIn } from './test/support/patterns.ts'
import { checkSync } from 'recheck'
const { patterns, built } = patternsIn('src', (f) => /generated|rehearsal/.test(f))
console.log(patterns.length, built)
const t=Date.now()
for (const p of patterns) { const s=Date.now(); const r = checkSync(p.source, p.flags, { timeout: 10000 }); if (r.status !== 'safe') console.log(p.file+':'+p.line, p.source.slice(0,120), p.flags, r.status, r.complexity?.summary ?? r.error?.kind, Date.now()-s, JSON.stringify(r.attack?.pattern ?? '').slice(0,140)) }
console.log('ms', Date.now()-t)
