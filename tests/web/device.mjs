/** The rules of a draft on the device: storage, age, the hand-over id, what it refuses. */
import assert from 'node:assert/strict';

import { all, finish, idOf, pause, prepare, set, settled, until } from './world.mjs';

const ID = /^[A-Za-z0-9_-]{22}$/;
const DAY_MS = 86_400_000;
const withoutId = ({ handover, ...roots }) => roots;

export const device = [
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
  ['closed, it sends nothing and listens to nothing', async (world, device) => {
    const page = await world.tab(device);
    await page.evaluate(() => { draft.set('cart', [1]); draft.close(); draft.set('viewed', ['A']); dispatchEvent(new Event('online')); });
    await world.quiet(0);
    assert.deepEqual(await all(page), { cart: [1], viewed: ['A'] });
    // the same when nothing waits yet
    await page.evaluate(async () => { draftOf({ key: 'second' }); await draft.flush(); draft.close(); draft.set('cart', [1]); });
    await world.quiet(0);
  }],
];
