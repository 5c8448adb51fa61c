/** The rules of a draft at a provider that takes updates. */
import assert from 'node:assert/strict';

import { all, finish, idOf, pause, prepare, set, settled, until } from './world.mjs';

const ID = /^[A-Za-z0-9_-]{22}$/;
const MINUTE_MS = 60_000;
const withoutId = ({ handover, ...roots }) => roots;

export const updates = [
  ['one call carries every changed root, with the hand-over id', async (world, device) => {
    const page = await world.tab(device);
    await set(page, { cart: { items: [1] }, preferences: { theme: 'dark' }, viewed: ['A'] });
    await until(() => world.site.session);
    await world.quiet(1);
    const [body] = world.bodies('POST');
    assert.deepEqual(withoutId(body), { cart: { items: [1] }, preferences: { theme: 'dark' }, viewed: ['A'] });
    assert.match(idOf(body), ID);
  }],
  ['changes are gathered, although the visitor never stops', async (world, device) => {
    const page = await world.tab(device, 'draftOf', { flushMs: 200 });
    const start = Date.now();
    for (let count = 0; count < 15; count += 1) {
      await set(page, { viewed: [count] });
      await pause(50);
    }
    const most = Math.ceil((Date.now() - start) / 200) + 1;
    assert.ok(world.site.calls.length >= 2 && world.site.calls.length <= Math.min(most, 14), `${world.site.calls.length} calls`);
  }],
  ['the next call carries only what changed since', async (world, device) => {
    const page = await world.tab(device);
    await set(page, { cart: [1], viewed: ['A'] });
    await settled(page);
    await set(page, { viewed: ['B'], wishlist: ['C'] });
    await until(() => world.bodies('PATCH').length);
    const [first] = world.bodies('POST');
    assert.deepEqual(world.bodies('PATCH'), [{ handover: idOf(first), viewed: ['B'], wishlist: ['C'] }]);
    await page.evaluate(() => draft.flush());
    await world.quiet(2);
  }],
  ['a change during a call is sent after it', async (world, device) => {
    const page = await world.tab(device);
    world.site.behave = async (call) => { if (call.method === 'POST') await pause(200); };
    await set(page, { cart: [1] });
    await until(() => world.site.calls.length);
    await set(page, { cart: [1, 2] });
    await until(() => world.bodies('PATCH').length);
    assert.deepEqual(world.bodies('PATCH').map(withoutId), [{ cart: [1, 2] }]);
    assert.equal(world.site.overlaps, 0);
    await world.quiet(2);
  }],
  ['null removes a root, here and at the provider', async (world, device) => {
    const page = await world.tab(device);
    await set(page, { cart: [1], viewed: ['A'] });
    await settled(page);
    await set(page, { cart: null });
    await until(() => world.bodies('PATCH').length);
    assert.deepEqual(world.bodies('PATCH').map(withoutId), [{ cart: null }]);
    assert.deepEqual([await all(page), await page.evaluate(() => draft.get('cart') === undefined)], [{ viewed: ['A'] }, true]);
  }],
  ['a session is made without the roots that were removed', async (world, device) => {
    const page = await world.tab(device);
    await set(page, { cart: [1], viewed: null });
    await until(() => world.site.session);
    assert.deepEqual(world.bodies('POST').map(withoutId), [{ cart: [1] }]);
  }],
  ['two tabs lose nothing of each other, and call one after the other', async (world, device) => {
    const tabs = [await world.tab(device), await world.tab(device)];
    world.site.behave = () => pause(60);
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(tabs.map((page, tab) => set(page, { [`tab-${tab}`]: round, both: [round, tab] })));
    }
    await until(() => world.site.session?.['tab-0'] === 4 && world.site.session?.['tab-1'] === 4);
    await pause(300);
    const kept = await all(tabs[0]);
    assert.deepEqual(await all(tabs[1]), kept);
    assert.deepEqual(withoutId(world.site.session), kept);
    assert.equal(world.site.overlaps, 0);
    // both began the draft at the same time: one id remains
    assert.equal(await tabs[0].evaluate(() => JSON.parse(localStorage.getItem('handover/')).id), idOf(world.site.session));
  }],
  ['what a closed tab did not send, another tab sends', async (world, device) => {
    const tabs = [await world.tab(device, 'draftOf', { flushMs: 60_000 }), await world.tab(device)];
    await set(tabs[0], { cart: [1] });
    await tabs[0].close();
    await set(tabs[1], { viewed: ['A'] });
    await until(() => world.site.session?.viewed);
    assert.deepEqual(withoutId(world.site.session), { cart: [1], viewed: ['A'] });
  }],
  ['a failure keeps everything and is tried again after 1, 2, 4 … 60 seconds', async (world, device) => {
    const page = await device.newPage();
    await page.clock.install();
    await page.clock.pauseAt(Date.now() + 1_000);
    world.site.behave = () => 503;
    await world.open(page);
    await set(page, { cart: [1] });
    await page.clock.runFor(20);
    await until(() => world.site.calls.length === 1);
    const failed = (times) => until(() => page.evaluate((count) => errors.length === count, times));
    for (const [index, seconds] of [1, 2, 4, 8, 16, 32, 60, 60].entries()) {
      await failed(index + 1);
      await page.clock.runFor(seconds * 1000 - 10);
      await pause(40);
      assert.equal(world.site.calls.length, index + 1, `before ${seconds} s`);
      await page.clock.runFor(20);
      await until(() => world.site.calls.length === index + 2, `after ${seconds} s`);
    }
    await failed(9);
    world.site.behave = undefined;
    await page.clock.runFor(MINUTE_MS);
    await until(() => world.site.session?.cart);
    assert.deepEqual([await page.evaluate(() => new Set(errors).size), await all(page)], [1, { cart: [1] }]);
    // the next failure begins again at one second
    await page.evaluate(() => draft.flush());
    world.site.behave = () => 503;
    const calls = world.site.calls.length;
    await set(page, { cart: [2] });
    await page.clock.runFor(20);
    await until(() => world.site.calls.length === calls + 1);
    await failed(10);
    await page.clock.runFor(1_010);
    await until(() => world.site.calls.length === calls + 2);
  }],
  ['a change while the provider is down does not hurry the next try', async (world, device) => {
    const page = await world.tab(device);
    world.site.behave = () => 503;
    await set(page, { cart: [1] });
    await until(() => page.evaluate(() => errors.length === 1));
    await set(page, { cart: [2] });
    await world.quiet(1, 400);
  }],
  ['offline, changes wait; `online` sends them at once, in one call', async (world, device) => {
    const page = await world.tab(device, 'draftOf', { flushMs: 60_000 });
    await device.setOffline(true);
    await set(page, { cart: [1] });
    await page.evaluate(() => draft.flush());
    await set(page, { viewed: ['A'] });
    assert.equal(world.site.calls.length, 0);
    const start = Date.now();
    await device.setOffline(false);
    await until(() => world.site.session);
    assert.ok(Date.now() - start < 700, 'the next try was a second away');
    // and again
    await set(page, { wishlist: ['B'] });
    await page.evaluate(() => dispatchEvent(new Event('online')));
    const again = Date.now();
    await until(() => world.bodies('PATCH').length);
    assert.ok(Date.now() - again < 700, 'the next try was a second away');
    await page.evaluate(() => draft.flush());
    await world.quiet(2);
    assert.deepEqual(withoutId(world.bodies('POST')[0]), { cart: [1], viewed: ['A'] });
  }],
  ['what was set offline survives the page, and the next one sends it', async (world, device) => {
    const page = await world.tab(device);
    await device.setOffline(true);
    await set(page, { cart: [1] });
    await page.close();
    await device.setOffline(false);
    const next = await world.tab(device);
    assert.deepEqual(await all(next), { cart: [1] });
    await until(() => world.site.session);
    assert.deepEqual(withoutId(world.site.session), { cart: [1] });
  }],
  ['a page that says it is offline is not believed', async (world) => {
    const device = await world.device(() => Object.defineProperty(Navigator.prototype, 'onLine', { get: () => false }));
    const page = await world.tab(device);
    await set(page, { cart: [1] });
    await until(() => world.site.session);
  }],
  ['a page that comes back tries at once', async (world, device) => {
    const page = await world.tab(device);
    world.site.behave = () => 503;
    await set(page, { cart: [1] });
    await until(() => world.site.calls.length === 1);
    world.site.behave = undefined;
    await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
    const start = Date.now();
    await until(() => world.site.session);
    assert.ok(Date.now() - start < 800);
  }],
  ['a page that is killed in the middle of a call loses nothing', async (world, device) => {
    const page = await world.tab(device);
    world.site.behave = async () => { await pause(300); return 'drop'; };
    await set(page, { cart: [1] });
    await until(() => world.site.calls.length === 1);
    const killed = new Promise((resolve) => page.on('crash', resolve));
    page.goto('chrome://crash').catch(() => {});
    await killed;
    world.site.behave = undefined;
    const next = await world.tab(device);
    await until(() => world.site.session);
    assert.deepEqual([withoutId(world.site.session), await all(next)], [{ cart: [1] }, { cart: [1] }]);
  }],
  ['an answer that is lost is no loss, and no second session', async (world, device) => {
    const page = await world.tab(device);
    await set(page, { cart: [1] });
    await settled(page);
    world.site.behave = (call) => { world.site.session = { ...world.site.session, ...call.body }; return 502; };
    await set(page, { cart: [2] });
    await until(() => world.bodies('PATCH').length >= 1);
    world.site.behave = undefined;
    await page.evaluate(() => draft.flush());
    assert.deepEqual([withoutId(world.site.session), world.bodies('POST').length], [{ cart: [2] }, 1]);
  }],
  ['a session that the provider says is gone gets the whole draft in a new one', async (world, device) => {
    for (const code of ['session_expired', 'invalid_session_token']) {
      world.site.reset();
      const page = await world.tab(device, 'draftOf', { key: code });
      await set(page, { cart: [1], viewed: ['A'] });
      await until(() => world.site.session);
      const { handover } = world.site.session;
      await pause(50);
      world.site.session = undefined;
      await page.evaluate((said) => { const { update } = transport; transport.update = (body) => update(body).catch((error) => { error.code = said; throw error; }); }, code);
      await set(page, { viewed: ['B'] });
      await until(() => world.bodies('POST').length === 2);
      assert.deepEqual(world.bodies('POST')[1], { handover, cart: [1], viewed: ['B'] }, code);
      await page.close();
    }
  }],
  ['a session whose time has passed is not updated', async (world, device) => {
    world.site.expires_in = 0;
    const page = await world.tab(device);
    await set(page, { cart: [1] });
    await until(() => world.site.session);
    await pause(1_000);
    world.site.session = undefined;
    // nothing changed, so nothing is sent
    await page.evaluate(() => draft.flush());
    await world.quiet(1);
    await set(page, { viewed: ['A'] });
    await until(() => world.bodies('POST').length === 2);
    assert.deepEqual([withoutId(world.bodies('POST')[1]), world.bodies('PATCH')], [{ cart: [1], viewed: ['A'] }, []]);
  }],
  ['a session of somebody else is ended, not updated', async (world, device) => {
    world.site.session = { cart: ['another'] };
    const page = await world.tab(device);
    await set(page, { cart: [1] });
    await until(() => world.bodies('POST').length === 2);
    await pause(50);
    assert.deepEqual([withoutId(world.site.session), world.bodies('PATCH')], [{ cart: [1] }, []]);
  }],
  ['a login gets the whole draft, also what the provider has', async (world, device) => {
    const page = await world.tab(device, 'draftOf', { flushMs: 60_000 });
    await set(page, { cart: [1], viewed: ['A'] });
    await page.evaluate(() => draft.flush());
    await set(page, { viewed: ['B'] });
    assert.deepEqual(await prepare(page), { left: [] });
    assert.deepEqual([world.site.calls.map(({ method }) => method), withoutId(world.site.session)], [['POST', 'DELETE', 'POST'], { cart: [1], viewed: ['B'] }]);
  }],
  ['a login of an empty draft takes nobody else\'s session along', async (world, device) => {
    world.site.session = { cart: ['another'] };
    const page = await world.tab(device);
    assert.deepEqual(await prepare(page), { left: [] });
    assert.equal(world.site.session, undefined);
    // nor that of a draft that fits into none
    world.site.session = { cart: ['another'] };
    await set(page, { big: 'x'.repeat(1_100) });
    assert.deepEqual(await prepare(page), { left: ['big'] });
    assert.equal(world.site.session, undefined);
  }],
  ['what is sent after the login began stays', async (world, device) => {
    const page = await world.tab(device);
    await set(page, { cart: [1], viewed: ['A'] });
    await prepare(page);
    const { handover } = world.site.session;
    const other = await world.tab(device);
    await set(other, { cart: [1, 2] });
    await until(() => world.bodies('PATCH').length);
    await other.evaluate(() => draft.flush());
    await finish(page, `transferred ${handover}`);
    assert.deepEqual(await all(page), { cart: [1, 2] });
  }],
  ['what is set just before the login ends is sent after it', async (world, device) => {
    const page = await world.tab(device, 'draftOf', { flushMs: 300 });
    await set(page, { cart: [1] });
    await prepare(page);
    const { handover } = world.site.session;
    await set(page, { viewed: ['A'] });
    await finish(page, `transferred ${handover}`);
    assert.deepEqual(await all(page), { viewed: ['A'] });
    await until(() => world.site.session?.viewed);
  }],
  ['what is sent while the login ends is sent again, into another session', async (world, device) => {
    const page = await world.tab(device);
    await set(page, { cart: [1] });
    await prepare(page);
    const { handover } = world.site.session;
    world.site.behave = async ({ method }) => { if (method === 'PATCH') await pause(250); };
    await set(page, { viewed: ['A'] });
    await until(() => world.bodies('PATCH').length);
    await finish(page, `transferred ${handover}`);
    await until(() => world.site.session?.viewed);
    assert.deepEqual([withoutId(world.site.session), await all(page)], [{ viewed: ['A'] }, { viewed: ['A'] }]);
  }],
  ['what does not fit into one call follows in the next', async (world, device) => {
    const page = await world.tab(device);
    await set(page, { a: 'x'.repeat(600), b: 'y'.repeat(600) });
    await until(() => world.site.session?.b);
    await world.quiet(2);
    assert.deepEqual([Object.keys(withoutId(world.site.session)), world.site.overlaps], [['a', 'b'], 0]);
  }],
  ['a removed root that no session carries is not left', async (world, device) => {
    const page = await world.tab(device);
    await set(page, { cart: [1], viewed: null });
    assert.deepEqual(await prepare(page), { left: [] });
    await page.evaluate(() => draft.flush());
    assert.deepEqual(world.bodies('PATCH'), []);
  }],
  ['a new end of the session is noted, and one that is not said lasts', async (world, device) => {
    const page = await world.tab(device);
    for (const [end, updates] of [[undefined, 1], [60, 2]]) {
      world.site.reset();
      await page.evaluate((later) => {
        const ends = [1, later];
        const said = (answer) => ({ ...answer, expiresAt: ends[0] && Math.floor(Date.now() / 1000) + ends.shift() });
        const { create, update } = { ...setOnce, update: transport.update };
        draftOf({ key: `ends in ${later}`, flushMs: 60_000, transport: { ...transport, create: (body) => create(body).then(said), update: (body) => update(body).then(said) } });
      }, end);
      const change = async (value) => { await set(page, { cart: value }); await page.evaluate(() => draft.flush()); };
      await change(1);
      await change(2);
      await pause(1_100);
      await change(3);
      assert.deepEqual([world.bodies('PATCH').length, world.site.session.cart], [updates, 3], `${end}`);
    }
  }],
  ['a failed creation ends no session', async (world, device) => {
    const page = await world.tab(device);
    world.site.behave = () => 503;
    await set(page, { cart: [1] });
    await until(() => page.evaluate(() => errors.length));
    assert.deepEqual(world.site.calls.map(({ method }) => method), ['POST']);
  }],
  ['a call that never ends holds `flush` up for a minute', async (world, device) => {
    const page = await device.newPage();
    await page.clock.install();
    await world.open(page, 'draftOf', { flushMs: 600_000 });
    await page.clock.pauseAt(Date.now() + 1_000);
    world.site.behave = () => new Promise(() => {});
    await page.evaluate(() => { draft.set('cart', [1]); draft.flush().then(() => { globalThis.done = true; }); });
    await until(() => world.site.calls.length);
    await page.clock.runFor(MINUTE_MS + 100);
    await until(() => page.evaluate(() => globalThis.done));
  }],
  ['two drafts do not wait for each other', async (world, device) => {
    const [page, other] = [await world.tab(device, 'draftOf', { key: 'a' }), await world.tab(device, 'draftOf', { key: 'b' })];
    world.site.behave = ({ body }) => (body?.cart ? new Promise(() => {}) : undefined);
    await set(page, { cart: [1] });
    await until(() => world.site.calls.length);
    await set(other, { viewed: ['A'] });
    await until(() => world.site.session?.viewed);
  }],
  ['a logout waits for the call before it', async (world, device) => {
    const page = await world.tab(device);
    world.site.behave = () => pause(150);
    await set(page, { cart: [1] });
    await until(() => world.site.calls.length);
    await page.evaluate(() => draft.clear());
    assert.equal(world.site.overlaps, 0);
  }],
  ['a page without locks calls once at a time too', async (world) => {
    const page = await world.tab(await world.device(() => Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })));
    world.site.behave = () => pause(100);
    await set(page, { cart: [1] });
    await Promise.all([page.evaluate(() => draft.flush()), prepare(page), page.evaluate(() => draft.flush())]);
    assert.deepEqual([world.site.overlaps, withoutId(world.site.session)], [0, { cart: [1] }]);
    await page.evaluate(() => { transport.logout = () => { throw new Error('of the transport'); }; return draft.clear(); });
    assert.deepEqual(await all(page), {});
  }],
  ['a draft that was cleared during a call does not live on in a session', async (world, device) => {
    const page = await world.tab(device);
    world.site.behave = async (call) => { if (call.method === 'POST') await pause(200); };
    await set(page, { cart: ['private'] });
    await until(() => world.site.calls.length);
    await page.evaluate(() => draft.clear());
    assert.deepEqual([await all(page), world.site.session], [{}, undefined]);
    // the same, from another tab that keeps the draft's id to itself
    await set(page, { cart: ['private'] });
    await until(() => world.bodies('POST').length === 2);
    await page.evaluate(() => localStorage.clear());
    await until(() => world.site.calls.at(-1).method === 'DELETE' && !world.site.running);
    assert.deepEqual([await all(page), world.site.session, await page.evaluate(() => localStorage.length)], [{}, undefined, 0]);
  }],
  ['a root that does not fit makes no call', async (world, device) => {
    const page = await world.tab(device);
    await set(page, { big: 'x'.repeat(1_100) });
    await world.quiet(0);
    await set(page, { cart: [1] });
    await settled(page);
    await page.evaluate(() => draft.flush());
    await world.quiet(1);
    assert.deepEqual(await prepare(page), { left: ['big'] });
  }],
  ['after a login, what stays goes into another session', async (world, device) => {
    const page = await world.tab(device);
    await set(page, { big: 'x'.repeat(1_100), cart: [1] });
    await prepare(page);
    const { handover } = world.site.session;
    await finish(page, `transferred ${handover}`);
    assert.deepEqual([Object.keys(await all(page)), world.site.session], [['big'], undefined]);
    const before = world.site.calls.length;
    await set(page, { big: ['small'] });
    await until(() => world.site.session);
    await world.quiet(before + 1);
    assert.deepEqual(world.site.session, { handover, big: ['small'] });
  }],
];
