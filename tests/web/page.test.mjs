/**
 * 24 faults of the client samples on the provider's page: each test fails with the sample, for its own reason, and passes with
 * our client.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { bundle, launch } from './browser.mjs';
import { startSite } from './site.mjs';
import { pause, until } from './world.mjs';

const DAY_S = 86_400;
const CLAIM = (id) => `transferred ${id}`;

let site;
let browser;
before(async () => {
  site = await startSite(await bundle('samples.js'));
  browser = await launch();
});
after(async () => {
  await browser.close();
  await site.close();
});

/** A tab of a shop that is built with the page's samples or with our client. */
async function tab(device, kind, provider = {}) {
  const page = await device.newPage();
  await page.goto(site.origin);
  await page.waitForFunction(() => globalThis.provider);
  await page.evaluate(([given, name]) => { Object.assign(provider, given); open(name); }, [provider, kind]);
  return page;
}

const change = (page, root, value) => page.evaluate(([name, given]) => changed(name, given), [root, value]);
const count = (method) => site.calls.filter((call) => call.method === method).length;
/** What the provider holds, once nobody sends any more. */
async function held(ms = 1_600) {
  await pause(ms);
  const { handover, ...roots } = site.session ?? {};
  return roots;
}
/** A tab with a change that was made offline; the sample's missing method is there, so that its queue can be judged. */
async function waiting(device, kind) {
  begin(kind);
  const page = await tab(device, kind);
  await page.evaluate(() => { queue.save = () => {}; });
  await device.setOffline(true);
  await change(page, 'cart', 1);
  return page;
}

/** Waits until the first change is there, and the page knows it. */
async function arrived() {
  await until(() => Object.keys(site.session ?? {}).length);
  await pause(50);
}
/** The samples know no creation with metadata, so their session is there before. */
const begin = (kind) => { if (kind === 'sample') site.session = {}; };

const FAULTS = [
  ['50 callers make 50 token requests', async (device, kind) => {
    const page = await tab(device, kind);
    await page.evaluate(() => Promise.all(Array.from({ length: 50 }, () => shop.token('api'))));
    assert.equal(count('PUT'), 1);
  }],
  ['a token of the session before is still served after a logout', async (device, kind) => {
    const page = await tab(device, kind);
    const first = await page.evaluate(() => shop.token('api'));
    await page.evaluate(() => logout());
    assert.notEqual(await page.evaluate(() => shop.token('api')), first);
  }],
  ['the SDK\'s answer has other names, so every call is a request and the token undefined', async (device, kind) => {
    const page = await tab(device, kind, { names: 'sdk' });
    assert.deepEqual([await page.evaluate(() => shop.token('api')), await page.evaluate(() => shop.token('api')), count('PUT')], ['token-1', 'token-1', 1]);
  }],
  ['three components that change a root each make three calls', async (device, kind) => {
    begin(kind);
    const page = await tab(device, kind);
    await page.evaluate(() => Promise.all([changed('cart', 1), changed('viewed', 2), changed('preferences', 3)]));
    assert.deepEqual([await held(400), site.calls.length], [{ cart: 1, viewed: 2, preferences: 3 }, 1]);
  }],
  ['seconds are compared with milliseconds, so a session of 30 days is refreshed at every look', async (device, kind) => {
    begin(kind);
    site.expires_in = 30 * DAY_S;
    const page = await tab(device, kind);
    await change(page, 'cart', 1);
    await pause(100);
    const before = site.calls.length;
    for (let look = 0; look < 5; look += 1) await page.evaluate(() => shop.session());
    // a look may cost one call, but no refresh
    assert.ok(site.calls.length - before <= 5, `${site.calls.length - before} calls`);
  }],
  ['the provider has no update, so the refresh throws', async (device, kind) => {
    begin(kind);
    const page = await tab(device, kind, { setOnce: true });
    assert.equal(await page.evaluate(() => shop.session().then(() => 'done', (error) => error.name)), 'done');
  }],
  ['the provider has no update, so a change throws', async (device, kind) => {
    begin(kind);
    const page = await tab(device, kind, { setOnce: true });
    assert.equal(await change(page, 'cart', 1), 'done');
  }],
  ['the SDK says `code`, so an expired session surfaces to the person', async (device, kind) => {
    const page = await tab(device, kind, { names: 'sdk' });
    assert.equal(await page.evaluate(() => shop.session().then(() => 'done', (error) => error.code)), 'done');
  }],
  ['a session that is made after another expired is empty', async (device, kind) => {
    begin(kind);
    const page = await tab(device, kind);
    await change(page, 'cart', 1);
    await arrived();
    site.session = undefined;
    await page.evaluate(() => shop.session());
    await change(page, 'viewed', 2);
    assert.deepEqual(await held(300), { cart: 1, viewed: 2 });
  }],
  ['callers that find a session expired make one each', async (device, kind) => {
    begin(kind);
    const page = await tab(device, kind);
    await change(page, 'cart', 1);
    await arrived();
    site.session = undefined;
    const before = count('POST');
    site.behave = () => pause(100);
    await page.evaluate(() => { changed('viewed', 2); return Promise.allSettled(Array.from({ length: 5 }, () => shop.session())); });
    await pause(300);
    assert.equal(count('POST') - before, 1);
  }],
  ['a failure of the provider is thrown at the person', async (device, kind) => {
    begin(kind);
    const page = await tab(device, kind);
    site.behave = () => 503;
    assert.equal(await change(page, 'cart', 1), 'done');
  }],
  ['a change that failed while the page is online is lost', async (device, kind) => {
    begin(kind);
    const page = await tab(device, kind);
    site.behave = () => 503;
    await change(page, 'cart', 1);
    await pause(100);
    site.behave = undefined;
    assert.deepEqual(await held(), { cart: 1 });
  }],
  ['a change offline throws, since the sample has no way to save it', async (device, kind) => {
    begin(kind);
    const page = await tab(device, kind);
    await device.setOffline(true);
    assert.equal(await change(page, 'cart', 1), 'done');
  }],
  ['a reload loses what was queued', async (device, kind) => {
    const page = await waiting(device, kind);
    await page.close();
    await device.setOffline(false);
    await tab(device, kind);
    assert.deepEqual(await held(300), { cart: 1 });
  }],
  ['what is queued during a sync is lost', async (device, kind) => {
    const page = await waiting(device, kind);
    site.behave = async () => { site.behave = undefined; await pause(300); };
    await device.setOffline(false);
    await until(() => site.calls.length);
    // the page is offline again while the sync is under way
    await page.evaluate(() => { Object.defineProperty(navigator, 'onLine', { value: false }); const { fetch } = globalThis; globalThis.fetch = async () => { globalThis.fetch = fetch; throw new TypeError('offline'); }; });
    await change(page, 'viewed', 2);
    await pause(500);
    await page.evaluate(() => dispatchEvent(new Event('online')));
    assert.deepEqual(await held(), { cart: 1, viewed: 2 });
  }],
  ['an older value that waited overwrites a newer one', async (device, kind) => {
    begin(kind);
    const page = await tab(device, kind);
    await page.evaluate(() => { queue.save = () => {}; Object.defineProperty(navigator, 'onLine', { value: false }); });
    site.behave = () => 503;
    await change(page, 'cart', 'old');
    await pause(50);
    site.behave = undefined;
    await change(page, 'cart', 'new');
    await pause(1_200);
    await page.evaluate(() => dispatchEvent(new Event('online')));
    assert.deepEqual(await held(300), { cart: 'new' });
  }],
  ['a sync that fails is not tried again', async (device, kind) => {
    const page = await waiting(device, kind);
    site.behave = () => { site.behave = undefined; return 503; };
    await device.setOffline(false);
    assert.deepEqual(await held(2_600), { cart: 1 });
  }],
  ['a page that opens online sends nothing of what waits', async (device, kind) => {
    begin(kind);
    const page = await tab(device, kind);
    await page.evaluate(() => { queue.save = () => localStorage.setItem('queue', JSON.stringify(queue.pending)); });
    await device.setOffline(true);
    await change(page, 'cart', 1);
    await page.goto('about:blank').catch(() => {});
    await device.setOffline(false);
    await tab(device, kind);
    assert.deepEqual(await held(300), { cart: 1 });
  }],
  ['what one tab queued overwrites what another sent later', async (device, kind) => {
    begin(kind);
    const [page, other] = [await tab(device, kind), await tab(device, kind)];
    await page.evaluate(() => { queue.save = () => {}; Object.defineProperty(navigator, 'onLine', { value: false }); });
    site.behave = () => 'drop';
    await change(page, 'cart', 'old');
    await pause(50);
    site.behave = undefined;
    await change(other, 'cart', 'new');
    await pause(1_300);
    await page.evaluate(() => dispatchEvent(new Event('online')));
    assert.deepEqual(await held(300), { cart: 'new' });
  }],
  ['two `online` events send the queue twice', async (device, kind) => {
    const page = await waiting(device, kind);
    await pause(60);
    site.behave = () => pause(200);
    await device.setOffline(false);
    await page.evaluate(() => dispatchEvent(new Event('online')));
    await held(700);
    assert.equal(site.calls.length, 1);
  }],
  ['a session that expires while changes wait stops the queue for ever', async (device, kind) => {
    begin(kind);
    const page = await tab(device, kind);
    await change(page, 'viewed', 1);
    await arrived();
    await page.evaluate(() => { queue.save = () => {}; });
    await device.setOffline(true);
    await change(page, 'cart', 2);
    site.session = undefined;
    await device.setOffline(false);
    await pause(200);
    await page.evaluate(() => dispatchEvent(new Event('online')));
    assert.deepEqual(await held(), { viewed: 1, cart: 2 });
  }],
  ['the clearing after a login never runs: the SDK\'s callback gives no `isAuthenticated`', async (device, kind) => {
    begin(kind);
    const page = await tab(device, kind);
    await change(page, 'cart', 1);
    await arrived();
    await page.evaluate(() => prepare());
    // what `handleRedirectCallback` resolves to
    await page.evaluate((claim) => shop.callback({ appState: undefined }, claim), CLAIM(site.session.handover));
    assert.deepEqual([site.session, await page.evaluate(() => kept())], [undefined, {}]);
  }],
  ['if it ran, it would clear although nothing was transferred', async (device, kind) => {
    begin(kind);
    const page = await tab(device, kind);
    await change(page, 'cart', 1);
    await arrived();
    await page.evaluate(() => shop.callback({ isAuthenticated: true }, undefined));
    assert.deepEqual(await held(100), { cart: 1 });
  }],
  ['if it ran and the provider failed, the person would not come to their page', async (device, kind) => {
    begin(kind);
    const page = await tab(device, kind);
    await change(page, 'cart', 1);
    await arrived();
    const { handover } = site.session;
    site.behave = () => 503;
    await page.evaluate((claim) => shop.callback({ isAuthenticated: true }, claim).catch(() => {}), CLAIM(handover));
    assert.equal(new URL(page.url()).hash, '#dashboard');
  }],
];

/** One fault on a device of its own. */
async function play(run, kind) {
  site.reset();
  const device = await browser.newContext({ ignoreHTTPSErrors: true });
  try {
    await run(device, kind);
  } finally {
    site.behave = undefined;
    await device.close();
  }
}

for (const [name, run] of FAULTS) {
  test(name, async () => {
    await assert.rejects(play(run, 'sample'), (error) => error instanceof assert.AssertionError && !/waited in vain/.test(error.message));
    await play(run, 'ours');
  });
}
