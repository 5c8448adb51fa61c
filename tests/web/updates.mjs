/** The rules of a draft at a provider that takes updates, and of the device. */
import assert from 'node:assert/strict';

import { all, finish, idOf, pause, prepare, set, settled, until } from './world.mjs';

const ID = /^[A-Za-z0-9_-]{22}$/;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
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
  ['an option that is undefined has its default', async (world, device) => {
    const page = await world.tab(device, 'draftSetOnce');
    assert.deepEqual(await page.evaluate(async () => {
      draftSetOnce({ key: undefined, bytesMax: undefined, flushMs: undefined, ageMaxMs: undefined, storage: undefined });
      draft.set('cart', [1]);
      draft.set('big', 'x'.repeat(1_100));
      return [Object.keys(draft.all()), (await draft.prepareLogin()).left, Object.keys(localStorage).includes('handover/')];
    }), [['big', 'cart'], ['big'], true]);
    await page.evaluate(() => { draftSetOnce({ onError: undefined, transport: { ...setOnce, logout: async () => { throw new Error(); } } }); return draft.clear(); });
  }],
  ['a full storage keeps values in memory, and says so', async (world, device) => {
    const page = await world.tab(device);
    await set(page, { viewed: ['A'] });
    await page.evaluate(() => {
      for (let size = 5_300_000; size >= 1; size = Math.floor(size / 2)) {
        for (let full = false; !full;) try { localStorage.setItem(`fill-${size}-${Math.random()}`, 'x'.repeat(size)); } catch { full = true; }
      }
    });
    const cart = { items: Array.from({ length: 20 }, (_, n) => ({ sku: `SKU-${n}`, qty: 1 })) };
    await set(page, { cart });
    assert.deepEqual(await page.evaluate(() => [draft.get('cart'), errors.includes('QuotaExceededError')]), [cart, true]);
    await until(() => world.site.session?.cart);
    assert.deepEqual(withoutId(world.site.session), { cart, viewed: ['A'] });
    // a place is free again: the next value is on the device
    await page.evaluate(() => { for (const key of Object.keys(localStorage)) if (key.startsWith('fill')) localStorage.removeItem(key); });
    await set(page, { cart: [2] });
    await page.reload();
    await page.waitForFunction(() => globalThis.draftOf);
    assert.deepEqual(await page.evaluate(() => { draftOf(); return draft.all(); }), { cart: [2], viewed: ['A'] });
  }],
  ['what only memory holds is forgotten when another tab clears the draft', async (world, device) => {
    const [page, other] = [await world.tab(device, 'draftSetOnce'), await world.tab(device, 'draftSetOnce')];
    await set(page, { viewed: ['A'] });
    await page.evaluate(() => { Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }; });
    await set(page, { cart: ['private'] });
    assert.deepEqual(await all(page), { cart: ['private'], viewed: ['A'] });
    await other.evaluate(() => draft.clear());
    await until(async () => !Object.keys(await all(page)).length);
    await other.evaluate(() => draft.set('viewed', ['B']));
    await until(async () => (await all(page)).viewed);
    assert.deepEqual(await all(page), { viewed: ['B'] });
  }],
  ['without a storage the draft lives in memory', async (world) => {
    for (const script of [
      // as Chromium blocks site data: no storage, and no locks
      () => {
        for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(globalThis, name, { get: () => { throw new DOMException('blocked', 'SecurityError'); } });
        LockManager.prototype.request = async () => { throw new DOMException('blocked', 'SecurityError'); };
      },
      () => Object.defineProperty(globalThis, 'localStorage', { value: null }),
    ]) {
      world.site.reset();
      const page = await world.tab(await world.device(script));
      await set(page, { cart: [1] });
      await until(() => world.site.session);
      assert.deepEqual([await all(page), await page.evaluate(() => errors)], [{ cart: [1] }, []]);
      const { handover } = world.site.session;
      assert.deepEqual(await prepare(page), { left: [] });
      await finish(page, `transferred ${handover}`);
      assert.deepEqual(await all(page), {});
    }
  }],
  ['a root that nobody changed for 30 days is dropped, from the device too', async (world, device) => {
    const page = await device.newPage();
    await page.clock.install({ time: '2026-11-01T10:00:00Z' });
    await world.open(page);
    await set(page, { cart: [1], viewed: ['A'] });
    await until(() => world.site.session);
    const { handover } = world.site.session;
    await page.clock.fastForward(29 * DAY_MS);
    await set(page, { viewed: ['B'] });
    assert.deepEqual(await all(page), { cart: [1], viewed: ['B'] });
    await page.clock.fastForward(1.5 * DAY_MS);
    assert.deepEqual([await all(page), await page.evaluate(() => Object.keys(localStorage).filter((key) => key.includes('cart')))], [{ viewed: ['B'] }, []]);
    await page.clock.fastForward(30 * DAY_MS);
    assert.deepEqual(await all(page), {});
    // whoever comes now begins another draft
    world.site.reset();
    await set(page, { cart: ['another'] });
    await page.evaluate(() => draft.flush());
    assert.notEqual(idOf(world.bodies('POST').at(-1)), handover);
  }],
  ['an id that looks like the exponent of a number changes no age', async (world) => {
    for (const bytes of [[0x7b, 0xee, 0x40], [0x7b, 0x9f, 0xff], [0x13, 0xee, 0x40]]) {
      const device = await world.device(`crypto.getRandomValues = (list) => { list.set(${JSON.stringify(bytes)}); return list; };`);
      const page = await device.newPage();
      await page.clock.install({ time: '2026-11-01T10:00:00Z' });
      await world.open(page);
      await set(page, { cart: [1] });
      assert.deepEqual(await all(page), { cart: [1] }, `${bytes}`);
      await page.clock.fastForward(31 * DAY_MS);
      assert.deepEqual(await all(page), {}, `${bytes}`);
    }
  }],
  ['an age of one\'s own', async (world, device) => {
    const page = await world.tab(device, 'draftOf', { ageMaxMs: 1_000 });
    await set(page, { cart: [1] });
    assert.deepEqual(await all(page), { cart: [1] });
    await pause(1_050);
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
  ['the hand-over id lasts until the draft is cleared', async (world, device) => {
    const page = await world.tab(device);
    await set(page, { cart: [1] });
    await settled(page);
    const { handover } = world.site.session;
    await page.reload();
    await world.open(page);
    await pause(50);
    await set(page, { cart: [2] });
    await until(() => world.bodies('PATCH').length);
    assert.equal(idOf(world.bodies('PATCH')[0]), handover);
    await page.evaluate(() => draft.clear());
    assert.deepEqual([world.site.session, await page.evaluate(() => localStorage.length)], [undefined, 0]);
    await set(page, { cart: [3] });
    await until(() => world.site.session);
    const { handover: next } = world.site.session;
    assert.notEqual(next, handover);
    assert.match(next, ID);
    // emptying is not clearing
    await page.evaluate(() => draft.flush());
    await set(page, { cart: null });
    await page.evaluate(() => draft.flush());
    await set(page, { cart: [4] });
    await page.evaluate(() => draft.flush());
    assert.deepEqual(world.site.session, { handover: next, cart: [4] });
  }],
  ['clearing leaves the keys of others', async (world, device) => {
    const page = await world.tab(device);
    const others = ['handover', 'handover2/', 'handover/en/', 'handover/en//cart'];
    await page.evaluate((keys) => { for (const key of keys) localStorage.setItem(key, 'mine'); }, others);
    await set(page, { cart: [1] });
    await page.evaluate(() => draft.clear());
    assert.deepEqual(await page.evaluate(() => Object.keys(localStorage).sort()), others.sort());
  }],
  ['what somebody else wrote under its keys is no draft', async (world, device) => {
    const page = await world.tab(device, 'draftOf', { flushMs: 60_000 });
    for (const text of ['', '{', '5', 'null', '[]', '"text"', '{"id":""}', '[null,1]', '["x",1]', '{"0":5}']) {
      await page.evaluate((value) => { localStorage.setItem('handover/', value); localStorage.setItem('handover//cart', value); }, text);
      assert.deepEqual(await all(page), {}, text);
      await set(page, { cart: [1] });
      assert.deepEqual(await all(page), { cart: [1] }, text);
      world.site.session = undefined;
      await page.evaluate(() => draft.flush());
      assert.match(world.site.session?.handover ?? '', ID, text);
      await page.evaluate(() => draft.clear());
    }
  }],
  ['a state that was lost is made anew at the next change', async (world, device) => {
    const page = await world.tab(device, 'draftSetOnce');
    await set(page, { cart: [1] });
    await page.evaluate(() => localStorage.removeItem('handover/'));
    assert.deepEqual([await prepare(page), world.bodies('POST')], [{ left: ['cart'] }, []]);
    await set(page, { viewed: ['A'] });
    assert.deepEqual(await prepare(page), { left: [] });
    assert.match(idOf(world.bodies('POST')[0]), ID);
  }],
  ['values are copies, `handover` is no root, any other name is one', async (world, device) => {
    const page = await world.tab(device);
    assert.deepEqual(await page.evaluate(() => {
      const cart = { items: [1] };
      draft.set('cart', cart);
      cart.items.push(2);
      draft.get('cart').items.push(3);
      draft.all().cart.items.push(4);
      const refused = [];
      for (const bad of [['handover', 1], ['cart', 1n]]) try { draft.set(...bad); } catch (error) { refused.push(error instanceof TypeError && /handover|BigInt/.test(error.message)); }
      for (const name of ['__proto__', 'constructor', '', 'a/b', '0']) draft.set(name, name);
      return [draft.get('cart'), refused, draft.get('toString') === undefined, Object.keys(draft.all()).sort(), draft.get('__proto__')];
    }), [{ items: [1] }, [true, true], true, ['', '0', '__proto__', 'a/b', 'cart', 'constructor'], '__proto__']);
    await until(() => world.site.session);
    assert.deepEqual(Object.keys(world.bodies('POST')[0]).sort(), ['', '0', '__proto__', 'a/b', 'cart', 'constructor', 'handover']);
    await page.evaluate(() => draft.flush());
    await world.quiet(1);
    assert.deepEqual(await prepare(page), { left: [] });
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
  ['closed, it sends nothing and listens to nothing', async (world, device) => {
    const page = await world.tab(device);
    await page.evaluate(() => { draft.set('cart', [1]); draft.close(); draft.set('viewed', ['A']); dispatchEvent(new Event('online')); });
    await world.quiet(0);
    assert.deepEqual(await all(page), { cart: [1], viewed: ['A'] });
    // the same when nothing waits yet
    await page.evaluate(async () => { draftOf({ key: 'second' }); await draft.flush(); draft.close(); draft.set('cart', [1]); });
    await world.quiet(0);
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
  ['50 callers make one request for a token, which is kept until a minute before its end', async (world, device) => {
    const page = await device.newPage();
    await page.clock.install();
    await world.open(page);
    const tokens = () => page.evaluate(async () => [...new Set(await Promise.all(Array.from({ length: 50 }, () => draft.getToken('https://api.test'))))]);
    assert.deepEqual(await tokens(), ['token-1']);
    assert.deepEqual(await page.evaluate(() => draft.getToken('https://other.test')), 'token-2');
    await page.clock.fastForward((3_600 - 75) * 1000);
    assert.deepEqual(await tokens(), ['token-1']);
    await page.clock.fastForward(20_000);
    assert.deepEqual(await tokens(), ['token-3']);
    assert.deepEqual(world.bodies('PUT').map(({ audience }) => audience), ['https://api.test', 'https://other.test', 'https://api.test']);
  }],
  ['a token that was refused is asked for again, and every caller learns why', async (world, device) => {
    const page = await world.tab(device);
    world.site.behave = () => 503;
    const ask = () => page.evaluate(async () => (await Promise.allSettled([draft.getToken(), draft.getToken()])).map(({ value, reason }) => value ?? reason.code));
    assert.deepEqual(await ask(), ['http_503', 'http_503']);
    assert.equal(world.site.calls.length, 1);
    world.site.behave = undefined;
    assert.deepEqual(await ask(), ['token-1', 'token-1']);
    // a refusal of one audience is none of another
    world.site.behave = () => 503;
    assert.equal(await page.evaluate(() => draft.getToken('https://other.test').catch((error) => error.code)), 'http_503');
    assert.deepEqual(await ask(), ['token-1', 'token-1']);
    // an answer that is no token is not kept
    world.site.behave = undefined;
    assert.deepEqual(await page.evaluate(async () => {
      const { getToken } = transport;
      transport.getToken = async () => undefined;
      const first = await draft.getToken('https://third.test').catch((error) => error.name);
      transport.getToken = getToken;
      return [first, await draft.getToken('https://third.test')];
    }), ['TypeError', 'token-2']);
  }],
  ['a transport without tokens rejects', async (world, device) => {
    const page = await world.tab(device);
    await page.evaluate(() => { delete transport.getToken; });
    assert.equal(await page.evaluate(() => draft.getToken().catch((error) => error.name)), 'TypeError');
  }],
  ['a token without an end is not kept', async (world, device) => {
    const page = await world.tab(device);
    assert.equal(await page.evaluate(async () => {
      let count = 0;
      transport.getToken = async () => ({ accessToken: `${count += 1}` });
      await draft.getToken();
      return draft.getToken();
    }), '2');
  }],
  ['no token outlives its session', async (world, device) => {
    const [page, other] = [await world.tab(device, 'draftSetOnce'), await world.tab(device, 'draftSetOnce')];
    const token = (of) => of.evaluate(() => draft.getToken());
    assert.equal(await token(page), 'token-1');
    await page.evaluate(() => draft.clear());
    assert.equal(await token(page), 'token-2');
    await set(page, { cart: [1] });
    await prepare(page);
    assert.equal(await token(page), 'token-3');
    await finish(page, `transferred ${idOf(world.bodies('POST')[0])}`);
    assert.equal(await token(page), 'token-4');
    // another tab clears
    await set(page, { cart: [1] });
    assert.equal(await token(other), 'token-5');
    await page.evaluate(() => draft.clear());
    assert.equal(await token(other), 'token-6');
  }],
];
