/**
 * A shop on the host of a test tenant: its page, the accounts' carts, and what happens behind a login, step by step.
 * Everything but the shop is real: the Action, the webhook, the provider's SDK.
 */
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { text as whole } from 'node:stream/consumers';

import { deploy, startTenant } from '../../../tests/emulator/drivers.mjs';
import { personOf, readBody } from '../../../tests/emulator/http.mjs';
import { bundle } from '../../../tests/web/browser.mjs';
import { CLAIM, root, startHandover } from '../../../tests/way/drivers.mjs';
import { startReceiver } from '../../../tests/way/receiver.mjs';

const SECRET = 'whsec_aGFuZG92ZXItZGVtby1zZWNyZXQtb2YtMzItYnl0ZXM=';
const ROOTS = 'app_metadata.cart';
const PASSWORD = 'Test123!';
const PEOPLE = [
  { email: 'ada@shop.test', name: 'Ada', app_metadata: { cart: { items: [{ sku: 'POT-CLAY', qty: 1 }] } } },
  { email: 'bea@shop.test', name: 'Bea' },
];

const local = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
const own = (path) => new RegExp(`^${path}$`);

class Demo {
  steps = [];
  handover = undefined;
  unanswered = undefined;

  async start(port) {
    this.script = await bundle(new URL('shop.js', import.meta.url));
    this.tenant = await startTenant([CLAIM], undefined, { port, pages: () => this.pages() });
    await this.startService();
    this.receiver = await startReceiver(this.handover.url);
    this.receiver.behave = (call, forward) => this.record(call, forward);
    const secrets = { HANDOVER_URL: this.receiver.url, HANDOVER_SECRET: SECRET, HANDOVER_ROOTS: ROOTS };
    await deploy(this.tenant, local('../../auth0/handover.action.js'), secrets);
    for (const person of PEOPLE) {
      const { user_id } = this.tenant.users.create({ ...person, password: PASSWORD });
      this.tenant.users.loggedIn(user_id);
    }
  }

  async startService() {
    this.handover = await startHandover({ HANDOVER_SECRETS: SECRET, HANDOVER_LEDGER: `file:${join(process.env.DEMO_FOLDER, 'ledger.redb')}` });
    this.receiver?.aim(this.handover.url);
  }

  async stopService() {
    const { stop } = this.handover;
    this.handover = undefined;
    await stop();
  }

  note(title, text, parts = []) {
    this.steps.push({ title, text, parts: parts.filter(([, content]) => content) });
  }

  /** A call of the Action, its answer, and why. */
  async record(call, forward) {
    const { anonymous_session, account } = JSON.parse(call.body);
    const request = ['The request', pretty({ visitor: anonymous_session.metadata, account: account.app_metadata })];
    if (!this.handover) {
      const isSecond = this.unanswered === call.headers['webhook-id'];
      this.unanswered = call.headers['webhook-id'];
      this.note(`The Action called the webhook, and nobody answered (${isSecond ? 'second' : 'first'} try)`, isSecond ? 'The login goes on without an answer.' : 'The Action tries once more.', [request]);
      return 'drop';
    }
    const answer = await forward();
    const { status, reason, commands, findings } = JSON.parse(answer.body);
    const why = await explain(call.body);
    this.note(`The webhook decided: ${reason ?? status}`, sentence(status, findings), [request, ['The decision', pretty({ status, commands, findings })], ['Why', why]]);
    return answer;
  }

  pages() {
    return [
      ['GET', own('/'), (ctx) => { ctx.type = 'html'; return local('index.html'); }],
      ['GET', own('/shop.js'), (ctx) => { ctx.type = 'js'; return this.script; }],
      ['GET', own('/shop/steps'), () => ({ serving: Boolean(this.handover), steps: this.steps })],
      ['POST', own('/shop/steps'), async (ctx) => { const { title, text, parts } = await readBody(ctx); this.note(title, text, parts); return {}; }],
      ['POST', own('/shop/service'), async (ctx) => this.serve((await readBody(ctx)).serving)],
      ['GET', own('/shop/account'), async (ctx) => this.account(ctx)],
      ['POST', own('/shop/account'), async (ctx) => this.change(ctx)],
    ];
  }

  async serve(serving) {
    if (serving && !this.handover) {
      await this.startService();
      this.tenant.actions.cache.clear();
      this.note('The webhook was started', 'The next login calls it again.');
    } else if (!serving && this.handover) {
      await this.stopService();
      this.note('The webhook was stopped', 'Logins still work.');
    }
    return {};
  }

  /** The person whose ID token came along; a shop's own backend would have a session. */
  async person(ctx) {
    const token = ctx.get('authorization').replace(/^Bearer /, '');
    return this.tenant.users.get(await personOf(this.tenant, token, 'page'));
  }

  async account(ctx) {
    const { name, app_metadata } = await this.person(ctx);
    return { name, cart: app_metadata.cart ?? { items: [] } };
  }

  /** A person who is logged in changes the account, not a draft. */
  async change(ctx) {
    const { cart } = await readBody(ctx);
    const { user_id } = await this.person(ctx);
    this.tenant.users.write(user_id, { app_metadata: { cart } });
    return {};
  }
}

function pretty(value) {
  return JSON.stringify(value, null, 2);
}

function sentence(status, findings) {
  if (status !== 'transferred') return 'Nothing of the account changes.';
  const removed = findings.length;
  return `The Action applies the commands in one write.${removed ? ` Handover changed or dropped ${removed} ${removed === 1 ? 'value' : 'values'} of the visitor’s.` : ''}`;
}

/** What became of each place of the request, as the command line prints it. */
async function explain(body) {
  const child = spawn(process.env.HANDOVER_BINARY, ['explain', '-'], { cwd: root, stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.end(body);
  return whole(child.stdout);
}

const port = Number(process.argv[2] ?? 8443);
const demo = new Demo();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit());
process.on('exit', () => {
  demo.handover?.stop();
  rmSync(process.env.DEMO_FOLDER, { recursive: true, force: true });
});
try {
  await demo.start(port);
} catch (error) {
  const inUse = error.code === 'EADDRINUSE';
  console.error(inUse ? `error: port ${port} is in use: name another one, \`server/web/demo/run ${port + 1}\`` : error);
  process.exit(1);
}
console.log(`The shop is open: ${demo.tenant.url}/`);
console.log('Its certificate was made just now, so the browser warns: continue to localhost.');
