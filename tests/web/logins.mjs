/** The rules of a login at a provider whose metadata is set once, when a session is made. */
import assert from 'node:assert/strict';

import { all, finish, idOf, pause, prepare, set, until } from './world.mjs';

const withoutId = ({ handover, ...roots }) => roots;
const CART = { items: [{ sku: 'A', qty: 1 }] };

/** A draft that a login took along, and its id. */
async function prepared(world, device, values = { cart: CART, viewed: ['A'] }, options = {}) {
  const page = await world.tab(device, 'draftSetOnce', options);
  await set(page, values);
  const { left } = await prepare(page);
  return { page, left, id: idOf(world.bodies('POST').at(-1)) };
}

export const logins = [
  ['nothing is sent before a login', async (world, device) => {
    const page = await world.tab(device, 'draftSetOnce');
    await set(page, { cart: CART });
    await page.evaluate(() => draft.flush());
    await world.quiet(0);
  }],
  ['a login ends the old session and gets the draft as JSON text', async (world, device) => {
    world.site.session = { handover: 'of the SDK' };
    const page = await world.tab(device, 'draftSetOnce');
    await set(page, { cart: CART, theme: 'dark', count: 5, on: false });
    assert.deepEqual(await prepare(page), { left: [] });
    assert.deepEqual(world.site.calls.map(({ method }) => method), ['DELETE', 'POST']);
    assert.deepEqual(withoutId(world.site.session), { cart: JSON.stringify(CART), theme: 'dark', count: '5', on: 'false' });
    assert.match(world.site.session.handover, /^[A-Za-z0-9_-]{22}$/);
    assert.deepEqual(await all(page), { cart: CART, theme: 'dark', count: 5, on: false });
  }],
  ['a second login moves the draft, with its id, into another session', async (world, device) => {
    const { page, id } = await prepared(world, device);
    await set(page, { cart: { items: [] } });
    assert.deepEqual(await prepare(page), { left: [] });
    assert.deepEqual(world.site.session, { handover: id, cart: '{"items":[]}', viewed: '["A"]' });
  }],
  ['each root that fits travels, those of the order first; the rest is left and stays', async (world, device) => {
    const page = await world.tab(device, 'draftSetOnce');
    await set(page, { a: 'x'.repeat(500), b: 'x'.repeat(500), c: 'x'.repeat(300), huge: 'x'.repeat(2_000) });
    assert.deepEqual(await prepare(page), { left: ['b', 'huge'] });
    assert.deepEqual(Object.keys(world.site.session), ['handover', 'a', 'c']);
    assert.deepEqual(await prepare(page, ['absent', 'huge', 'b', 'b']), { left: ['a', 'huge'] });
    assert.deepEqual(Object.keys(world.site.session), ['handover', 'b', 'c']);
    assert.deepEqual(Object.keys(await all(page)), ['a', 'b', 'c', 'huge']);
  }],
  ['1024 bytes fit, one more does not; bytes are those of JSON in UTF-8', async (world, device) => {
    const page = await world.tab(device, 'draftSetOnce');
    const room = 1_024 - JSON.stringify({ handover: 'x'.repeat(22), note: '' }).length;
    for (const [text, left] of [['x'.repeat(room), []], ['x'.repeat(room + 1), ['note']], ['é'.repeat(room / 2), []], ['é'.repeat(room / 2 + 1), ['note']], ['"'.repeat(room / 2 + 1), ['note']]]) {
      await set(page, { note: text });
      assert.deepEqual(await prepare(page), { left }, `${text[0]} × ${text.length}`);
    }
    const small = await world.tab(device, 'draftSetOnce', { key: 'small', bytesMax: 60 });
    await set(small, { cart: 'x'.repeat(30) });
    assert.deepEqual(await prepare(small), { left: ['cart'] });
  }],
  ['an empty draft ends the old session and makes none', async (world, device) => {
    const { page } = await prepared(world, device);
    await set(page, { cart: null, viewed: null });
    assert.deepEqual(await prepare(page), { left: [] });
    assert.deepEqual([world.site.session, world.bodies('POST').length], [undefined, 1]);
  }],
  ['a session that somebody makes in between is ended too', async (world, device) => {
    const page = await world.tab(device, 'draftSetOnce');
    await set(page, { cart: CART });
    let first = true;
    world.site.behave = ({ method }) => { if (method === 'POST' && first) { first = false; world.site.session = { by: 'the SDK' }; } };
    assert.deepEqual(await prepare(page), { left: [] });
    assert.deepEqual(withoutId(world.site.session), { cart: JSON.stringify(CART) });
  }],
  ['a provider that refuses for ever is asked twice', async (world, device) => {
    const page = await world.tab(device, 'draftSetOnce');
    await page.evaluate(() => { setOnce.create = async () => { calls += 1; throw Object.assign(new Error(), { code: 'invalid_request' }); }; globalThis.calls = 0; });
    await set(page, { cart: CART });
    assert.deepEqual(await prepare(page), { left: ['cart'] });
    assert.deepEqual(await page.evaluate(() => [calls, errors]), [2, ['invalid_request']]);
  }],
  ['a session that could not be ended is no reason to give up', async (world, device) => {
    const page = await world.tab(device, 'draftSetOnce');
    world.site.behave = ({ method }) => (method === 'DELETE' ? 503 : undefined);
    await set(page, { cart: CART });
    assert.deepEqual(await prepare(page), { left: [] });
    assert.deepEqual(withoutId(world.site.session), { cart: JSON.stringify(CART) });
  }],
  ['a provider that is down never breaks the login', async (world, device) => {
    const page = await world.tab(device, 'draftSetOnce');
    await set(page, { cart: CART, viewed: ['A'] });
    for (const behave of [() => 503, () => 'drop', ({ method }) => (method === 'POST' ? 503 : undefined)]) {
      world.site.behave = behave;
      assert.deepEqual(await prepare(page), { left: ['cart', 'viewed'] });
    }
    await device.setOffline(true);
    assert.deepEqual(await prepare(page), { left: ['cart', 'viewed'] });
    await device.setOffline(false);
    await page.evaluate(() => draftSetOnce({ onError: () => { throw new Error('of the shop'); } }));
    assert.deepEqual(await prepare(page), { left: ['cart', 'viewed'] });
    assert.deepEqual(await all(page), { cart: CART, viewed: ['A'] });
  }],
  ['a provider that never answers holds a login up for five seconds', async (world, device) => {
    const page = await device.newPage();
    await page.clock.install();
    await world.open(page, 'draftSetOnce');
    await page.clock.pauseAt(Date.now() + 1_000);
    world.site.behave = () => new Promise(() => {});
    await set(page, { cart: CART });
    await page.evaluate(() => { draft.prepareLogin().then((result) => { globalThis.done = result; }); });
    await page.clock.runFor(4_900);
    assert.equal(await page.evaluate(() => globalThis.done), undefined);
    await page.clock.runFor(200);
    await until(() => page.evaluate(() => globalThis.done?.left.join() === 'cart'));
  }],
  ['a session of before that could not be replaced clears nothing until the next login', async (world, device) => {
    const { page, id } = await prepared(world, device);
    await set(page, { cart: { items: [] } });
    world.site.behave = () => 503;
    assert.deepEqual(await prepare(page), { left: ['cart', 'viewed'] });
    world.site.behave = undefined;
    await finish(page, `transferred ${id}`);
    assert.deepEqual(await all(page), { cart: { items: [] }, viewed: ['A'] });
    await prepare(page);
    await finish(page, `already_transferred ${id}`);
    assert.deepEqual(await all(page), {});
  }],
  ['a prepareLogin whose answers are all lost clears nothing that the login did not take', async (world, device) => {
    const { page, id } = await prepared(world, device, { cart: 'small', viewed: 'x'.repeat(400) });
    await set(page, { cart: 'x'.repeat(800) });
    world.site.behave = ({ method, body }) => {
      world.site.session = method === 'POST' ? { ...body } : undefined;
      return 503;
    };
    assert.deepEqual(await prepare(page, ['cart']), { left: ['cart', 'viewed'] });
    world.site.behave = undefined;
    assert.equal('viewed' in world.site.session, false);
    await finish(page, `transferred ${id}`);
    assert.deepEqual(Object.keys(await all(page)), ['cart', 'viewed']);
  }],
  ['a session that was ended and not made again clears nothing', async (world, device) => {
    const { page, id } = await prepared(world, device);
    world.site.behave = ({ method }) => (method === 'POST' ? 503 : undefined);
    assert.deepEqual(await prepare(page), { left: ['cart', 'viewed'] });
    world.site.behave = undefined;
    await finish(page, `transferred ${id}`);
    assert.deepEqual(await all(page), { cart: CART, viewed: ['A'] });
  }],
  ['a claim that names the draft clears what travelled, and ends the session', async (world, device) => {
    for (const word of ['transferred', 'unchanged', 'already_transferred']) {
      const { page, id } = await prepared(world, device);
      await page.reload();
      await world.open(page, 'draftSetOnce');
      await finish(page, `${word} ${id}`);
      assert.deepEqual([await all(page), world.site.session, await page.evaluate(() => localStorage.length)], [{}, undefined, 0], word);
      await page.close();
    }
  }],
  ['no other claim clears anything', async (world, device) => {
    const { page, id } = await prepared(world, device);
    for (const claim of [undefined, null, '', 'transferred', `transferred ${id}x`, `transferred x${id}`, `transferred undefined`, `skipped ${id}`, `session_expired ${id}`,
      `refused ${id}`, `not_transferred ${id}`, `transferred_not ${id}`, `transferred  ${id}`, `transferred ${id}\njunk`, `claimed_by_another_account ${id}x`, 'claimed_by_another_account', id, {}, 5, [`transferred ${id}x`]]) {
      await finish(page, claim);
    }
    assert.deepEqual(await all(page), { cart: CART, viewed: ['A'] });
    assert.ok(world.site.session);
    await page.evaluate(() => draft.finishLogin());
    // a visitor without a draft
    const calls = world.site.calls.length;
    await world.open(page, 'draftSetOnce', { key: 'empty' });
    for (const claim of [undefined, '', `transferred ${id}`]) await finish(page, claim);
    await world.quiet(calls);
  }],
  ['what did not fit, and what another tab changed since, stays, under the same id', async (world, device) => {
    const { page, id, left } = await prepared(world, device, { big: 'x'.repeat(1_100), cart: CART, viewed: ['A'] });
    assert.deepEqual(left, ['big']);
    const other = await world.tab(device, 'draftSetOnce');
    await set(other, { viewed: ['A', 'B'], wishlist: ['C'] });
    await finish(page, `transferred ${id}`);
    const kept = { big: 'x'.repeat(1_100), viewed: ['A', 'B'], wishlist: ['C'] };
    assert.deepEqual([await all(page), await all(other), world.site.session], [kept, kept, undefined]);
    assert.deepEqual(await prepare(page), { left: ['big'] });
    assert.deepEqual(world.site.session, { handover: id, viewed: '["A","B"]', wishlist: '["C"]' });
    // nothing travels twice
    await set(page, { big: null });
    await finish(page, `transferred ${id}`);
    assert.deepEqual([await all(page), await page.evaluate(() => localStorage.length)], [{}, 0]);
  }],
  ['a draft that another account has is dropped, on the device first', async (world, device) => {
    const { page, id } = await prepared(world, device, { big: 'x'.repeat(1_100), cart: CART });
    world.site.behave = () => new Promise(() => {});
    const start = Date.now();
    const done = finish(page, `claimed_by_another_account ${id}`);
    done.catch(() => {});
    await until(async () => Object.keys(await all(page)).length === 0);
    assert.ok(Date.now() - start < 1_000, 'before the provider answered');
    await done;
    const took = Date.now() - start;
    assert.ok(took > 1_800 && took < 4_500, `${took} ms`);
    assert.equal(await page.evaluate(() => localStorage.length), 0);
    assert.equal(world.site.calls.at(-1).method, 'DELETE');
  }],
  ['the cookie is ended, not only the storage', async (world, device) => {
    const { page, id } = await prepared(world, device);
    await finish(page, `claimed_by_another_account ${id}`);
    assert.equal(world.site.session, undefined);
  }],
  ['a provider that cannot end the session breaks nothing after the login', async (world, device) => {
    const { page, id } = await prepared(world, device);
    world.site.behave = () => 503;
    await finish(page, `transferred ${id}`);
    assert.deepEqual([await all(page), await page.evaluate(() => errors)], [{}, ['http_503']]);
    // the next login ends it
    world.site.behave = undefined;
    await prepare(page);
    assert.equal(world.site.session, undefined);
  }],
  ['what is set after a login is another draft', async (world, device) => {
    const { page, id } = await prepared(world, device);
    await finish(page, `transferred ${id}`);
    await set(page, { cart: CART });
    await prepare(page);
    assert.notEqual(world.site.session.handover, id);
    await finish(page, `transferred ${id}`);
    assert.deepEqual(await all(page), { cart: CART });
  }],
  ['a claim clears what the login of this tab took, whatever another tab prepared since', async (world, device) => {
    const { page, id } = await prepared(world, device);
    const other = await world.tab(device, 'draftSetOnce');
    await set(other, { cart: { items: [] } });
    assert.deepEqual(await prepare(other), { left: [] });
    await finish(page, `transferred ${id}`);
    assert.deepEqual(await all(page), { cart: { items: [] } });
  }],
  ['a claim clears nothing that another tab\'s session left behind', async (world, device) => {
    const { page, id } = await prepared(world, device, { cart: 'small', viewed: 'x'.repeat(400) });
    const other = await world.tab(device, 'draftSetOnce');
    await set(other, { cart: 'x'.repeat(800) });
    assert.deepEqual(await prepare(other, ['cart']), { left: ['viewed'] });
    // the login took the session of the other tab, for its own ticket had ended
    await finish(page, `transferred ${id}`);
    assert.deepEqual(Object.keys(await all(page)), ['cart', 'viewed']);
  }],
  ['a draft in sessionStorage', async (world, device) => {
    const page = await device.newPage();
    await world.open(page);
    await page.evaluate(() => draftSetOnce({ storage: sessionStorage }));
    await set(page, { cart: CART });
    await prepare(page);
    const id = idOf(world.bodies('POST')[0]);
    await world.open(page);
    await page.evaluate(() => draftSetOnce({ storage: sessionStorage }));
    await finish(page, `transferred ${id}`);
    assert.deepEqual([await all(page), world.site.session], [{}, undefined]);
  }],
  ['a session that comes after prepareLogin gave up clears nothing', async (world, device) => {
    const page = await device.newPage();
    await page.clock.install();
    await world.open(page, 'draftSetOnce');
    await page.clock.pauseAt(Date.now() + 1_000);
    let release;
    world.site.behave = ({ method }) => (method === 'POST' ? new Promise((resolve) => { release = resolve; }) : undefined);
    await set(page, { cart: CART });
    await page.evaluate(() => { draft.prepareLogin().then((result) => { globalThis.done = result; }); });
    await until(() => release);
    await page.clock.runFor(5_100);
    await until(() => page.evaluate(() => globalThis.done?.left.join() === 'cart'));
    release();
    await until(() => page.evaluate(() => JSON.parse(localStorage.getItem('handover/')).sent?.cart));
    await page.clock.resume();
    await finish(page, `transferred ${idOf(world.bodies('POST')[0])}`);
    assert.deepEqual(await all(page), { cart: CART });
  }],
  ['a tab that prepared nothing clears nothing', async (world, device) => {
    const { page, id } = await prepared(world, device);
    const other = await world.tab(device, 'draftSetOnce');
    await finish(other, `transferred ${id}`);
    assert.deepEqual([await all(other), world.site.session], [{ cart: CART, viewed: ['A'] }, undefined]);
    // the session is over, so the tab of the login does not know any more whether it carried the roots: the next login tells
    await finish(page, `transferred ${id}`);
    assert.deepEqual(await all(page), { cart: CART, viewed: ['A'] });
    await prepare(page);
    await finish(page, `already_transferred ${id}`);
    assert.deepEqual(await all(page), {});
    // a draft of another account is dropped in any tab
    await set(page, { cart: CART });
    await prepare(page);
    await finish(other, `claimed_by_another_account ${world.site.session.handover}`);
    assert.deepEqual(await all(other), {});
  }],
  ['a draft that another tab cleared during a login is not brought back', async (world, device) => {
    const [page, other] = [await world.tab(device, 'draftSetOnce'), await world.tab(device, 'draftSetOnce')];
    await set(page, { cart: ['private'] });
    world.site.behave = async ({ method }) => { if (method === 'DELETE' && world.site.calls.length === 1) await pause(200); };
    const preparing = prepare(page);
    await until(() => world.site.calls.length === 1);
    await other.evaluate(() => { draft.clear(); });
    assert.deepEqual(await preparing, { left: [] });
    await pause(100);
    assert.deepEqual([world.bodies('POST'), await page.evaluate(() => localStorage.length)], [[], 0]);
  }],
];
