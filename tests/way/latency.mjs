/**
 * What the Action adds to a login, in milliseconds: each person logs in with the Action or without one, in turns.
 * Run by hand, with a release build; timed figures are no test.
 */
import { text } from './drivers.mjs';
import { Way, codes } from './way.mjs';

const LOGINS = Number(process.argv[2] ?? 300);
const way = await Way.start(text('../../server/auth0/handover.action.js'));
const bind = (bindings) => way.tenant.management.actions.triggers.bindings.updateMany('post-login', { bindings });
await way.deploy({ HANDOVER_URL: way.handover.url });
const bound = [{ ref: { type: 'action_name', value: 'Action under test' }, display_name: 'Action under test' }];

const times = { without: [], with: [], own: [] };
let writes = 0;
for (let login = 0; login < LOGINS * 2; login += 1) {
  const kind = login % 2 ? 'with' : 'without';
  await bind(kind === 'with' ? bound : []);
  const visitor = way.visitor();
  const email = await way.person({ app_metadata: { cart: { items: [{ sku: 'MINE', qty: 1 }] } } });
  await visitor.shop({ cart: { items: Array.from({ length: 20 }, (_, n) => ({ sku: `SKU-${n}`, qty: 1 })) }, preferences: { theme: 'dark' } });
  const ticket = await visitor.ticket();
  const start = performance.now();
  const done = await way.during(email, () => visitor.login(email, { ticket }).finally(() => times[kind].push(performance.now() - start)));
  if (kind === 'with' && codes(done).join() !== 'transferred') throw new Error(done.lines.join());
  writes += done.writes;
  times.own.push(...done.lines.map((line) => Number(/ (\d+)ms$/.exec(line)[1])));
}
const at = (list, share) => [...list].sort((a, b) => a - b)[Math.floor(list.length * share)];
for (const [kind, list] of Object.entries(times)) {
  console.log(kind.padEnd(8), 'median', at(list, 0.5).toFixed(2), '99th', at(list, 0.99).toFixed(2));
}
console.log('decisions of our server, us: median', at(way.handover.log.map((line) => JSON.parse(line)['took.us']).filter(Boolean), 0.5));
console.log('profile writes a login with the Action', writes / LOGINS);
await way.stop();
