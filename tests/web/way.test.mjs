/**
 * The whole way of a login, all of it real: the client and Auth0's own SDK in Chromium, the tenant, our Action, our server,
 * the account.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { CLAIM, startHandover, text } from '../way/drivers.mjs';
import { codes, data, SECRET, Way } from '../way/way.mjs';
import { all, pause, set, until, World } from './world.mjs';

const CART = (...lines) => ({ items: lines.map(([sku, qty]) => ({ sku, qty })) });
const LOGIN = '/u/login/';

let world;
let way;
before(async () => {
  world = await World.start();
  way = await Way.start(text('../../server/auth0/handover.action.js'), world.site.origin);
});
after(async () => {
  await way.stop();
  await world.stop();
});

/** A scenario with the Action deployed, on a device of its own. */
function scenario(name, run) {
  test(name, () => world.play(async (_, device) => {
    await way.deploy();
    await run(device);
  }));
}

/** A tab of the shop, as a page would begin: the SDK's client, then the draft. */
async function shop(device, options) {
  const page = await device.newPage();
  await arrive(page, options);
  return page;
}

async function arrive(page, options) {
  await page.goto(world.site.origin);
  await page.waitForFunction(() => globalThis.auth0Of);
  await page.evaluate(([domain, given]) => auth0Of(domain, given), [way.tenant.domain, options]);
}

/** Logs in from the shop's page and comes back; `prepared` is what `prepareLogin` said, `claim` what the ID token said. */
async function login(page, email, { prepare = true, finish = true } = {}) {
  const prepared = prepare ? await page.evaluate(() => draft.prepareLogin(['cart'])) : undefined;
  return way.during(email, async () => {
    await page.evaluate(() => client.loginWithRedirect({ authorizationParams: { prompt: 'login' } })).catch(() => {});
    await page.waitForURL((url) => url.pathname.startsWith(LOGIN));
    await page.fill('[name=username]', email);
    await page.fill('[name=password]', 'Test123!');
    await page.click('[value=login]');
    await page.waitForURL((url) => url.origin === world.site.origin);
    await page.waitForFunction(() => globalThis.auth0Of);
    const claim = await page.evaluate(async ([domain, finishes, name]) => {
      auth0Of(domain);
      await client.handleRedirectCallback();
      const { [name]: said } = await client.getIdTokenClaims();
      if (finishes) await draft.finishLogin(said);
      return said;
    }, [way.tenant.domain, finish, CLAIM]);
    return { prepared, claim };
  });
}

/** What a person's logout leaves of the SDK; the draft and the device's cookie of the tenant stay. */
async function logout(page) {
  await page.evaluate((returnTo) => client.logout({ logoutParams: { returnTo } }), `${world.site.origin}/`).catch(() => {});
  await page.waitForURL(`${world.site.origin}/`);
  await arrive(page);
}

const requests = (path) => way.tenant.requests.filter((request) => request.method === 'POST' && request.path === path).length;
const cookies = async (device) => (await device.cookies(way.tenant.url)).filter(({ name }) => name === 'auth0_anon').length;

scenario('a visitor\'s cart and the account\'s become one, with one write of the profile', async (device) => {
  const email = await way.person({ app_metadata: { cart: CART(['MINE', 1]), plan: 'free' } });
  const page = await shop(device);
  await set(page, { cart: CART(['A', 2], ['B', -1]), preferences: { theme: 'dark' } });
  const done = await login(page, email);
  assert.deepEqual(done.claims.prepared, { left: [] });
  assert.match(done.claims.claim, /^transferred [A-Za-z0-9_-]{22}$/);
  assert.deepEqual(data(done.after), { app_metadata: { cart: CART(['MINE', 1], ['A', 2], ['B', 1]), plan: 'free' }, user_metadata: { preferences: { theme: 'dark' } } });
  assert.deepEqual([codes(done), done.writes, done.calls.length], [['transferred'], 1, 1]);
  assert.deepEqual([await all(page), await cookies(device)], [{}, 0]);
  // the same person again: nothing is asked, nothing is written
  await logout(page);
  const again = await login(page, email);
  assert.deepEqual([again.claims.claim, codes(again), again.writes, data(again.after)], [undefined, [], 0, data(done.after)]);
});

scenario('the next person on the device gets nothing of the first', async (device) => {
  const [first, second] = [await way.person(), await way.person()];
  const page = await shop(device);
  await set(page, { cart: CART(['A', 2]) });
  await login(page, first);
  await logout(page);
  const other = await login(page, second);
  assert.deepEqual([data(other.after), other.calls.length], [data(other.before), 0]);
});

scenario('while the service is down, people log in and keep their draft; afterwards it is transferred once', async (device) => {
  const email = await way.person({ app_metadata: { cart: CART(['MINE', 1]) } });
  const page = await shop(device);
  await set(page, { cart: CART(['A', 2]) });
  way.receiver.behave = () => 'drop';
  const down = await login(page, email);
  assert.deepEqual([down.claims.claim, codes(down), data(down.after)], [undefined, ['unreachable'], data(down.before)]);
  assert.deepEqual(await all(page), { cart: CART(['A', 2]) });
  way.receiver.behave = undefined;
  await logout(page);
  const up = await login(page, email);
  assert.deepEqual([codes(up), data(up.after).app_metadata.cart], [['transferred'], CART(['MINE', 1], ['A', 2])]);
  assert.deepEqual(await all(page), {});
});

scenario('our server is killed in the middle of a login, and started again', async (device) => {
  const email = await way.person();
  const page = await shop(device);
  await set(page, { cart: CART(['A', 2]) });
  way.receiver.behave = async (_, forward) => {
    way.receiver.behave = undefined;
    await way.handover.stop();
    return forward();
  };
  const killed = await login(page, email);
  assert.deepEqual([killed.claims.claim, data(killed.after), await all(page)], [undefined, data(killed.before), { cart: CART(['A', 2]) }]);
  way.handover = await startHandover({ HANDOVER_SECRETS: SECRET });
  way.receiver.aim(way.handover.url);
  await logout(page);
  const done = await login(page, email);
  assert.deepEqual([data(done.after).app_metadata.cart, await all(page)], [CART(['A', 2]), {}]);
});

scenario('a lost finishLogin, a grown draft, another login: nothing doubled, nothing lost, nothing in a second account', async (device) => {
  const [first, second] = [await way.person({ app_metadata: { cart: CART(['MINE', 1]) } }), await way.person({ app_metadata: { cart: CART(['HERS', 1]) } })];
  const page = await shop(device);
  await set(page, { cart: CART(['A', 2]) });
  const lost = await login(page, first, { finish: false });
  assert.match(lost.claims.claim, /^transferred /);
  assert.deepEqual(await all(page), { cart: CART(['A', 2]) });
  await logout(page);
  await set(page, { cart: CART(['A', 2], ['B', 1]) });
  const grown = await login(page, first, { finish: false });
  assert.deepEqual(data(grown.after).app_metadata.cart, CART(['MINE', 1], ['A', 2], ['B', 1]));
  // one hand-over, whatever the merge: a rule that adds counts it once
  const [one, two] = [lost, grown].map(({ calls }) => JSON.parse(calls[0].body).anonymous_session);
  assert.equal(one.metadata.handover, two.metadata.handover);
  assert.notEqual(one.session_id, two.session_id);
  assert.equal(grown.after.app_metadata.handover.taken.length, 1);
  await logout(page);
  const other = await login(page, second);
  assert.match(other.claims.claim, /^claimed_by_another_account /);
  assert.deepEqual([data(other.after), await all(page), await cookies(device)], [data(other.before), {}, 0]);
});

scenario('a claim that was missed comes at the next login, which writes nothing', async (device) => {
  const email = await way.person();
  const page = await shop(device);
  await set(page, { cart: CART(['A', 2]) });
  await login(page, email, { finish: false });
  await logout(page);
  const again = await login(page, email);
  assert.match(again.claims.claim, /^already_transferred /);
  assert.deepEqual([again.writes, again.calls.length, await all(page)], [0, 0, {}]);
});

scenario('a prepareLogin that failed beside a session that the SDK made keeps the draft', async (device) => {
  const email = await way.person();
  const page = await shop(device, { createAnonymousSessionOnFailedSilentAuth: true });
  await page.evaluate(() => client.checkSession());
  assert.deepEqual([await cookies(device), await page.evaluate(() => client.anonymous.hasSession())], [1, true]);
  await set(page, { cart: CART(['A', 2]) });
  for (const route of ['/anonymous/logout', '/anonymous/token']) {
    await way.tenant.fault({ route, status: 503 });
    const { left } = await page.evaluate(() => draft.prepareLogin());
    await way.tenant.fault({});
    assert.deepEqual(left, ['cart'], route);
    const done = await login(page, email, { prepare: false });
    assert.deepEqual([done.claims.claim, codes(done), data(done.after), await all(page)], [undefined, [], data(done.before), { cart: CART(['A', 2]) }], route);
    await logout(page);
    await page.evaluate(() => client.anonymous.getTokenSilently());
  }
  const done = await login(page, email);
  assert.deepEqual([data(done.after).app_metadata.cart, await all(page)], [CART(['A', 2]), {}]);
});

scenario('a session of before that could not be replaced carries only what it had', async (device) => {
  const email = await way.person();
  const page = await shop(device);
  await set(page, { cart: CART(['A', 1]) });
  await page.evaluate(() => draft.prepareLogin());
  await set(page, { cart: CART(['A', 1], ['B', 1]), preferences: { theme: 'dark' } });
  await way.tenant.fault({ route: '/anonymous/logout', status: 503 });
  const stale = await login(page, email);
  assert.deepEqual(stale.claims.prepared.left, ['cart', 'preferences']);
  await way.tenant.fault({});
  assert.deepEqual([data(stale.after).app_metadata.cart, await all(page)], [CART(['A', 1]), { cart: CART(['A', 1], ['B', 1]), preferences: { theme: 'dark' } }]);
  await logout(page);
  const done = await login(page, email);
  assert.deepEqual(data(done.after), { app_metadata: { cart: CART(['A', 1], ['B', 1]) }, user_metadata: { preferences: { theme: 'dark' } } });
  assert.deepEqual(await all(page), {});
});

scenario('a draft that does not fit goes with the next login', async (device) => {
  const email = await way.person();
  const page = await shop(device);
  const cart = CART(...Array.from({ length: 25 }, (_, n) => [`SKU-${n}`, 1]));
  const viewed = Array.from({ length: 12 }, (_, n) => ({ id: `SKU-${n}`, at: '2026-11-20T08:00:00Z' }));
  await set(page, { cart, viewed });
  const first = await login(page, email);
  assert.deepEqual([first.claims.prepared.left, Object.keys(await all(page))], [['viewed'], ['viewed']]);
  assert.deepEqual([first.after.app_metadata.cart.items.length, 'recently_viewed' in first.after.app_metadata], [25, false]);
  await logout(page);
  const second = await login(page, email);
  assert.deepEqual([second.after.app_metadata.recently_viewed.length, await all(page)], [12, {}]);
});

scenario('a login in one tab leaves what the other tab set meanwhile', async (device) => {
  const email = await way.person();
  const [page, other] = [await shop(device), await shop(device)];
  await set(page, { cart: CART(['A', 1]) });
  await page.evaluate(() => draft.prepareLogin());
  await set(other, { preferences: { theme: 'dark' } });
  const done = await login(page, email, { prepare: false });
  assert.deepEqual([data(done.after).app_metadata.cart, await all(page), await all(other)], [CART(['A', 1]), { preferences: { theme: 'dark' } }, { preferences: { theme: 'dark' } }]);
});

scenario('a login page that waits while another tab fills and prepares the draft again', async (device) => {
  const email = await way.person();
  const [page, other] = [await shop(device), await shop(device)];
  await set(page, { cart: CART(['A', 1]) });
  await page.evaluate(() => draft.prepareLogin());
  await page.evaluate(() => client.loginWithRedirect({ authorizationParams: { prompt: 'login' } })).catch(() => {});
  await page.waitForURL((url) => url.pathname.startsWith(LOGIN));
  await set(other, { cart: CART(['A', 1], ['B', 1]) });
  await other.evaluate(() => draft.prepareLogin());
  await page.fill('[name=username]', email);
  await page.fill('[name=password]', 'Test123!');
  await page.click('[value=login]');
  await page.waitForURL((url) => url.origin === world.site.origin);
  await page.waitForFunction(() => globalThis.auth0Of);
  await page.evaluate(async ([domain, name]) => {
    auth0Of(domain);
    await client.handleRedirectCallback();
    await draft.finishLogin((await client.getIdTokenClaims())[name]);
  }, [way.tenant.domain, CLAIM]);
  const first = (await way.account(email)).app_metadata.cart;
  // whatever the login took, the rest is still there for the next one
  assert.deepEqual([first, await all(page)], [CART(['A', 1]), { cart: CART(['A', 1], ['B', 1]) }]);
  await logout(page);
  const second = await login(page, email);
  assert.deepEqual([data(second.after).app_metadata.cart, await all(page)], [CART(['A', 1], ['B', 1]), {}]);
});

scenario('50 callers in each of two tabs make one request for a token', async (device) => {
  const [page, other] = [await shop(device), await shop(device)];
  const ask = (of) => of.evaluate(async () => (await Promise.all(Array.from({ length: 50 }, () => draft.getToken()))).filter((token, at, list) => list.indexOf(token) === at).length);
  const before = requests('/anonymous/token');
  assert.deepEqual([await ask(page), await ask(page)], [1, 1]);
  assert.equal(requests('/anonymous/token') - before, 1);
  assert.equal(await ask(other), 1);
  assert.equal(requests('/anonymous/token') - before, 1);
});

scenario('a session that expired before the login is made anew', async (device) => {
  const email = await way.person();
  await way.tenant.fault({ token_ttl_s: 1 });
  const page = await shop(device);
  await set(page, { cart: CART(['A', 2]) });
  await page.evaluate(() => draft.prepareLogin());
  await pause(1_200);
  await way.tenant.fault({});
  const done = await login(page, email);
  assert.deepEqual([data(done.after).app_metadata.cart, await all(page)], [CART(['A', 2]), {}]);
});

scenario('a visitor who signs up takes the draft along', async (device) => {
  const email = way.stranger();
  const page = await shop(device);
  await set(page, { cart: CART(['A', 2]) });
  await page.evaluate(() => draft.prepareLogin());
  await page.evaluate(() => client.loginWithRedirect()).catch(() => {});
  await page.waitForURL((url) => url.pathname.startsWith(LOGIN));
  await page.fill('[name=username]', email);
  await page.fill('[name=password]', 'Test123!');
  await page.click('[value=signup]');
  await page.waitForURL((url) => url.origin === world.site.origin);
  await until(async () => (await way.account(email))?.app_metadata?.cart);
  assert.deepEqual((await way.account(email)).app_metadata.cart, CART(['A', 2]));
});
