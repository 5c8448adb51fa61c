/** What a login takes over, with our own server at the end of the way. */
import assert from 'node:assert/strict';

import { CLAIM } from './drivers.mjs';
import { ROOTS, codes, data, metadata } from './way.mjs';

const CART = (...lines) => ({ items: lines.map(([sku, qty]) => ({ sku, qty })) });
const sorted = ({ app_metadata: { cart } }) => [...cart.items].sort((a, b) => (a.sku < b.sku ? -1 : 1));

export const transfers = [
  ['migrates the cart on signup', async (way) => {
    await way.deploy({ HANDOVER_URL: way.handover.url });
    const visitor = way.visitor();
    await visitor.shop({ cart: CART(['TEST-001', 2]) });
    const email = way.stranger();
    const claims = await visitor.signup(email, { ticket: await visitor.ticket() });
    assert.deepEqual(data(await way.account(email)).app_metadata, { cart: { items: [{ sku: 'TEST-001', qty: 2 }] } });
    assert.equal(claims[CLAIM], 'transferred');
  }],
  ['merges the carts on login', async (way) => {
    await way.deploy({ HANDOVER_URL: way.handover.url });
    const login = await way.login({ before: { app_metadata: { cart: CART(['EXISTING-001', 1]) } }, metadata: { cart: CART(['ANON-001', 3]) } });
    assert.deepEqual(data(login.after).app_metadata, { cart: CART(['EXISTING-001', 1], ['ANON-001', 3]) });
    assert.deepEqual([codes(login), login.writes], [['transferred'], 1]);
  }],
  ['the same session again changes nothing', async (way) => {
    await way.deploy();
    const visitor = way.visitor();
    const first = await way.login({ visitor, metadata: { cart: CART(['A', 3]) }, before: { app_metadata: { cart: CART(['A', 1]) } } });
    assert.deepEqual([first.calls.length, first.writes], [1, 1]);
    // the cookie brings the session back, on the page and without one; the receipt spares the call
    for (const enter of [{ email: first.email, prompt: 'login' }, { prompt: 'none' }]) {
      const again = await way.during(first.email, () => visitor.enter(enter));
      assert.deepEqual(metadata(again.after), metadata(first.after));
      assert.deepEqual([again.writes, again.calls.length, again.lines, again.claims[CLAIM]], [0, 0, [], 'already_transferred']);
    }
  }],
  ['the same session without its receipt changes nothing either', async (way) => {
    await way.deploy();
    const visitor = way.visitor();
    const first = await way.login({ visitor, metadata: { cart: CART(['A', 3]) }, before: { app_metadata: { cart: CART(['A', 1]) } } });
    await way.tenant.management.users.update(first.after.user_id, { app_metadata: { handover: null } });
    const again = await way.during(first.email, () => visitor.enter({ prompt: 'none' }));
    assert.deepEqual([codes(again), again.writes, data(again.after)], [['unchanged'], 0, data(first.after)]);
  }],
  ['a draft that moved into a new session is the same hand-over', async (way) => {
    await way.deploy();
    for (const shape of ['text', 'whole']) {
      await way.tenant.fault({ event: { metadata: shape } });
      const metadata = { handover: `draft_${shape}_0123456789`, preferences: { theme: 'dark' } };
      const first = await way.login({ metadata });
      assert.deepEqual([codes(first), first.after.app_metadata.handover.taken.length], [['transferred'], 1]);
      const moved = await way.login({ email: first.email, metadata });
      assert.deepEqual([moved.calls.length, moved.lines, moved.writes, moved.claims[CLAIM]], [0, [], 0, `already_transferred ${metadata.handover}`]);
      const other = await way.login({ email: first.email, metadata: { ...metadata, handover: `other_${shape}_0123456789` } });
      assert.deepEqual([other.calls.length, codes(other)], [1, ['unchanged']]);
    }
  }],
  ['a draft that grew after its answer was lost is merged, and counts once', async (way) => {
    await way.deploy();
    const draft = { handover: 'draft_0123456789-abcdef', cart: CART(['A', 3]) };
    const first = await way.login({ metadata: draft, before: { app_metadata: { cart: CART(['A', 1]) } } });
    assert.equal(first.claims[CLAIM], `transferred ${draft.handover}`);
    const grown = await way.login({ email: first.email, metadata: { ...draft, cart: CART(['A', 3], ['B', 1]) } });
    assert.deepEqual([grown.calls.length, grown.claims[CLAIM]], [1, `transferred ${draft.handover}`]);
    assert.deepEqual(data(grown.after).app_metadata, { cart: CART(['A', 3], ['B', 1]) });
    const { taken } = grown.after.app_metadata.handover;
    assert.deepEqual([taken.length, taken[0].length, taken[0][0].split('.')[0]], [1, 3, first.after.app_metadata.handover.taken[0][0].split('.')[0]]);
    assert.notEqual(taken[0][0], first.after.app_metadata.handover.taken[0][0]);
    assert.equal((await way.login({ email: first.email, metadata: { ...draft, cart: CART(['A', 3], ['B', 1]) } })).calls.length, 0);
  }],
  ['what a rule could not take is taken at the next login', async (way) => {
    await way.deploy({ HANDOVER_ROOTS: 'user_metadata.preferences' });
    const visitor = way.visitor();
    const first = await way.login({ visitor, metadata: { cart: CART(['A', 3]), preferences: { theme: 'dark' } } });
    assert.deepEqual([first.after.app_metadata.handover.taken[0][3], CLAIM in first.claims], [['cart'], false]);
    await way.deploy();
    const again = await way.during(first.email, () => visitor.enter({ prompt: 'none' }));
    assert.deepEqual(data(again.after), { app_metadata: { cart: CART(['A', 3]) }, user_metadata: { preferences: { theme: 'dark' } } });
    assert.deepEqual([again.calls.length, again.claims[CLAIM], again.after.app_metadata.handover.taken[0].length], [1, 'transferred', 3]);
  }],
  ['an account that holds a number beyond JavaScript keeps it', async (way) => {
    await way.deploy();
    const body = { cart: { items: [{ sku: 'A', qty: 1 }], total: 2 ** 53 } };
    const login = await way.login({ metadata: { cart: CART(['A', 3]), preferences: { theme: 'dark' } }, before: { app_metadata: body } });
    assert.deepEqual([data(login.after).app_metadata, login.after.user_metadata], [body, { preferences: { theme: 'dark' } }]);
    assert.match(way.handover.log.at(-1), /cart: keep number_range/);
  }],
  ['our Action before a denial, a redirect or a link: what was set is written', async (way) => {
    await way.deploy();
    const metadata = { cart: CART(['A', 3]), preferences: { theme: 'dark' } };
    const written = { app_metadata: { cart: CART(['A', 3]) }, user_metadata: { preferences: { theme: 'dark' } } };
    const after = async (code, expected, fault = {}) => {
      const other = await way.behind(`exports.onExecutePostLogin = async (event, api) => { ${code} };`);
      await way.tenant.fault(fault);
      const email = await way.person();
      const visitor = way.visitor();
      await visitor.shop(metadata);
      const ticket = await visitor.ticket();
      await visitor.login(email, { ticket }).catch(() => {});
      assert.deepEqual(data(await way.account(email)), expected, code);
      await other.remove();
    };
    await after("api.access.deny('later')", written);
    await after("api.access.deny('later')", { app_metadata: {}, user_metadata: {} }, { denied: 'drops' });
    await after("api.redirect.sendUserTo('https://elsewhere.test/terms')", written);
    await after("api.redirect.sendUserTo('https://elsewhere.test/terms')", { app_metadata: {}, user_metadata: {} }, { redirected: 'drops' });
    await after("throw new Error('another Action')", { app_metadata: {}, user_metadata: {} });
    // linking discards only what its own Action set
    await after("api.authentication.setPrimaryUser('auth0|2')", written);
  }],
  ['two devices, in both orders', async (way) => {
    await way.deploy();
    const [phone, laptop] = [CART(['A', 3], ['B', 1]), CART(['A', 2], ['C', 5])];
    const ends = [];
    for (const order of [[phone, laptop], [laptop, phone]]) {
      const first = await way.login({ metadata: { cart: order[0] }, before: { app_metadata: { cart: CART(['A', 1]) } } });
      const second = await way.login({ email: first.email, metadata: { cart: order[1] } });
      ends.push(sorted(second.after));
    }
    assert.deepEqual(ends[0], [{ sku: 'A', qty: 3 }, { sku: 'B', qty: 1 }, { sku: 'C', qty: 5 }]);
    assert.deepEqual(ends[1], ends[0]);
  }],
  ['a ticket used twice brings nothing the second time', async (way) => {
    await way.deploy();
    const visitor = way.visitor();
    await visitor.shop({ cart: CART(['A', 3]) });
    const ticket = await visitor.ticket();
    const own = await way.login({ metadata: null, enter: { ticket } });
    assert.deepEqual(codes(own), ['transferred']);
    const other = await way.login({ metadata: null, enter: { ticket } });
    assert.deepEqual([other.calls.length, other.lines, metadata(other.after)], [0, [], metadata(other.before)]);
  }],
  ['a login without an anonymous session is no call and no log line', async (way) => {
    await way.deploy();
    const login = await way.login({ metadata: null });
    assert.deepEqual([login.calls.length, login.lines, login.writes, CLAIM in login.claims], [0, [], 0, false]);
  }],
  ['metadata as text, as objects and as one text, times in every form', async (way) => {
    await way.deploy();
    for (const shape of ['text', 'object', 'whole']) {
      for (const times of ['iso', 'epoch', 'digits', 'overview', 'infinite']) {
        await way.tenant.fault({ event: { metadata: shape, times } });
        const login = await way.login({ metadata: { cart: CART(['A', 3]), preferences: { theme: 'dark' } } });
        assert.deepEqual(login.after.app_metadata.cart, CART(['A', 3]), `${shape}, ${times}`);
        assert.deepEqual(login.after.user_metadata.preferences, { theme: 'dark' }, `${shape}, ${times}`);
      }
    }
  }],
  ['hostile metadata breaks no login and leaves nothing behind', async (way) => {
    await way.deploy();
    const before = { app_metadata: { cart: CART(['A', 1]), plan: 'free' }, user_metadata: { preferences: { theme: 'light' } } };
    for (const cart of [
      '{"items":[null]}', 'null', '[]', '7', '"text"', '{"items":{}}', '{"__proto__":{"items":[{"sku":"X","qty":1}]}}', '{"items":[{"sku":"A","qty":"three"}]}',
      '{"items":[{"sku":"A","qty":-5}]}', '{"items":[{"sku":"X","qty":1e999}]}', `${'['.repeat(400)}${']'.repeat(400)}`, '{"items":[', '\u0000',
      '{"items":[{"sku":"4111111111111111","qty":1}]}', '{"items":[],"items":[{"sku":"X","qty":1}]}',
    ]) {
      const login = await way.login({ before, metadata: { cart, plan: 'gold', roles: '["admin"]', preferences: { theme: 'neon' } } });
      assert.deepEqual(metadata(login.after), before, cart);
      assert.equal(login.writes, 0, cart);
    }
  }],
  ['only the named roots leave the tenant, and only they are written', async (way) => {
    await way.deploy({ HANDOVER_ROOTS: 'user_metadata.preferences, app_metadata.recently_viewed' });
    const before = { app_metadata: { cart: CART(['MINE', 1]), plan: 'gold' }, user_metadata: { preferences: { theme: 'light' }, diary: 'private' } };
    const login = await way.login({ before, metadata: { cart: CART(['A', 3]), preferences: { theme: 'dark' } } });
    const { account } = JSON.parse(login.calls[0].body);
    assert.deepEqual(account.visible, ['user_metadata.preferences', 'app_metadata.recently_viewed', 'app_metadata.handover']);
    assert.deepEqual([account.app_metadata, account.user_metadata], [{}, { preferences: { theme: 'light' } }]);
    assert.deepEqual(data(login.after).app_metadata, before.app_metadata);
    assert.deepEqual(login.after.user_metadata, { preferences: { theme: 'dark' }, diary: 'private' });
  }],
  ['no person, no token and no value in a request, a log line or our log', async (way) => {
    await way.deploy();
    const visitor = way.visitor();
    const login = await way.login({ visitor, enter: { organization: 'org_1' }, metadata: { cart: CART(['SECRET-SKU', 3]), preferences: { theme: 'SECRET-THEME' }, note: 'SECRET-NOTE' } });
    const [request] = login.calls;
    const sent = JSON.parse(request.body);
    assert.deepEqual(Object.keys(sent), ['id', 'trigger', 'at', 'account', 'anonymous_session', 'context']);
    const { tenant, client_id, ...context } = sent.context;
    assert.deepEqual([tenant, client_id], ['acme', 'shop']);
    const connection = 'Username-Password-Authentication';
    assert.deepEqual(context, { provider: 'auth0', connection, organization: 'org_1', protocol: 'oidc-basic-profile', locale: 'en' });
    for (const personal of [login.email, 'GIVEN', 'FAMILY', 'FULL-NAME', '+4915112345678', 'acme-gmbh', '203.0.113.7', visitor.session.sessionToken, visitor.session.accessToken]) {
      assert.equal(request.body.includes(personal), false, personal);
    }
    const said = [...login.lines, ...way.handover.log].join('\n');
    for (const value of ['SECRET', login.email, sent.anonymous_session.id, sent.anonymous_session.session_id, 'whsec_', 'C2FVsBQ']) {
      assert.equal(said.includes(value), false, value);
    }
  }],
  ['the request is that of the contract', async (way) => {
    await way.deploy();
    const login = await way.login({ before: { user_metadata: { preferences: { theme: 'light' } } } });
    const { headers, path, body } = login.calls[0];
    const { id, trigger, at, account, anonymous_session } = JSON.parse(body);
    assert.deepEqual([path, headers['content-type'], trigger, headers['webhook-id']], ['/v1/transfer', 'application/json', 'login', id]);
    assert.match(id, /^auth0:acme:[\w-]{8,}$/);
    assert.ok(login.start <= Date.parse(at) && Date.parse(at) <= login.end);
    assert.equal(account.id, login.before.user_id);
    assert.match(anonymous_session.id, /^anon@/);
    assert.match(anonymous_session.session_id, /^[0-9a-f-]{36}$/);
    assert.deepEqual(Object.keys(anonymous_session), ['id', 'session_id', 'created_at', 'expires_at', 'metadata']);
    assert.deepEqual(account.visible, [...ROOTS.split(','), 'app_metadata.handover']);
  }],
  ['a signup says so, and an existing account too', async (way) => {
    await way.deploy();
    const visitor = way.visitor();
    await visitor.shop({ preferences: { theme: 'dark' } });
    const start = way.receiver.calls.length;
    await visitor.signup(way.stranger(), { ticket: await visitor.ticket() });
    const login = await way.login();
    const triggers = way.receiver.calls.slice(start).map(({ body }) => JSON.parse(body).trigger);
    assert.deepEqual(triggers, ['signup', 'login']);
    assert.equal(login.calls.length, 1);
  }],
];
