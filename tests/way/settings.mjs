/** What an engineer sets, which logins are asked about, the claim, and what the Action does when nothing is as it should be. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { compile } from '../emulator/runtime.mjs';
import { CLAIM } from './drivers.mjs';
import { ROOTS, SECRET, codes, metadata } from './way.mjs';

/** What the provider's client gives its own requests. */
const CLIENTS_OWN_MS = 30_000;
const set = { command: 'set_user_metadata', key: 'preferences', value: { theme: 'dark' } };
const clear = { command: 'clear_anonymous_session' };

/** A login that asks nobody; it says only this. */
async function silent(way, secrets, said = [], login = {}) {
  await way.deploy(secrets);
  const { calls, lines, after, before, claims } = await way.login(login);
  assert.deepEqual([calls.length, codes({ lines }), metadata(after), CLAIM in claims], [0, said, metadata(before), false]);
}

function hash(text, bytes) {
  return createHash('sha256').update(text).digest().subarray(0, bytes).toString('base64url');
}

/** A receipt that names a hand-over; with a content, only with that one; with rules that did not take it yet. */
function receipt(id, { content, left } = {}) {
  const name = hash(`handover\0${id}`, 8) + (content === undefined ? '' : `.${hash(JSON.stringify(content), 6)}`);
  return { v: 1, taken: [['AAAAAAAAAAA', 1, 2], [name, Date.now(), Date.now() + 1_000, ...(left ? [left] : [])]] };
}

/** Runs the Action's function itself, with an event that the provider would not send; gives what it logged. */
async function direct(way, event, api) {
  const { handler, log } = compile(way.code, []);
  const result = await handler(event, api).catch((error) => assert.fail(`thrown: ${error.message}`));
  assert.equal(result, undefined);
  return log.lines;
}

/** A request id as the webhook sees it, for an event of this transaction. */
async function idFor(way, transaction, tenant = 'acme') {
  const event = {
    anonymous_session: { user_id: 'anon@1', session_id: 's', created_at: 1, expires_at: 2, metadata: { preferences: '{"theme":"dark"}' } }, user: { user_id: 'auth0|1' }, tenant: { id: tenant },
    transaction, secrets: { HANDOVER_URL: way.receiver.url, HANDOVER_SECRET: SECRET, HANDOVER_ROOTS: ROOTS },
  };
  const start = way.receiver.calls.length;
  await direct(way, event, {});
  return way.receiver.calls.slice(start).map(({ headers }) => headers['webhook-id']).join();
}

export const settings = [
  ['refreshes, exchanges, devices and back channels are no call', async (way) => {
    await way.deploy();
    const visitor = way.visitor();
    const login = await way.login({ visitor });
    assert.equal(login.calls.length, 1);
    const refreshed = await way.during(login.email, () => visitor.refresh());
    assert.deepEqual([refreshed.calls.length, refreshed.lines], [0, []]);
    for (const protocol of ['oidc-ciba-push', 'oauth2-refresh-token', 'oauth2-token-exchange', 'oauth2-device-code', 'oidc-ciba', 'oidc-ciba-poll']) {
      assert.equal(await idFor(way, { id: 'x', protocol }), '', protocol);
    }
    for (const protocol of ['oidc-basic-profile', 'samlp', 'oauth2-password', 'oauth2-refresh-tokens']) {
      assert.equal(await idFor(way, { id: 'x', protocol }), 'auth0:acme:x', protocol);
    }
  }],
  ['a hand-over that the receipt names is no call', async (way) => {
    await way.deploy();
    const id = 'draft_0123456789-abcdef';
    const prefs = { preferences: { theme: 'dark' } };
    const named = { before: { app_metadata: { handover: receipt(id) } }, metadata: { ...prefs, handover: id } };
    const login = await way.login(named);
    assert.deepEqual([login.calls.length, login.lines, login.writes], [0, [], 0]);
    const texts = { preferences: JSON.stringify(prefs.preferences), handover: id };
    const same = { before: { app_metadata: { handover: receipt(id, { content: texts, left: [] }) } }, metadata: { ...prefs, handover: id } };
    assert.equal((await way.login(same)).calls.length, 0);
    for (const [before, more] of [
      [{ app_metadata: { handover: receipt(id, { content: { ...texts, more: 'x' } }) } }, { handover: id }], [{ app_metadata: { handover: receipt(id, { left: ['preferences'] }) } }, { handover: id }],
      [{ app_metadata: { handover: receipt('another-draft-of-mine') } }, { handover: id }], [{ app_metadata: { handover: { ...receipt(id), v: 2 } } }, { handover: id }],
      [{ app_metadata: { handover: 'text' } }, { handover: id }], [{ app_metadata: { handover: { v: 1, taken: [['x', receipt(id).taken[1][0], 2]] } } }, { handover: id }],
      [{ app_metadata: { handover: receipt('x'.repeat(65)) } }, { handover: 'x'.repeat(65) }], [{ app_metadata: { handover: receipt('short') } }, { handover: 'short' }],
      [{ user_metadata: { handover: receipt(id) } }, { handover: id }],
    ]) {
      assert.equal((await way.login({ before, metadata: { ...prefs, ...more } })).calls.length, 1);
    }
  }],
  ['a malformed receipt spares no call', async (way) => {
    await way.deploy();
    const id = 'draft_0123456789-abcdef';
    const { taken: [other, own] } = receipt(id);
    for (const taken of [
      [own, ['x']], [own, ['x', 1, '2']], [own, ['x', 1.5, 2]], [own, [7, 1, 2]], [own, 'x'], [own, ['x', 1, 2, 'cart']], [own, ['x', 1, 2, [7]]], Array(17).fill(own), { 0: own },
      [[own[0], own[1], own[2], null]],
    ]) {
      const before = { app_metadata: { handover: { v: 1, taken } } };
      assert.equal((await way.login({ before, metadata: { preferences: { theme: 'dark' }, handover: id } })).calls.length, 1, JSON.stringify(taken));
    }
    const before = { app_metadata: { handover: { v: 1, taken: [[...own, [], 'of a later version'], ...Array(15).fill(other)], more: 1 } } };
    assert.equal((await way.login({ before, metadata: { preferences: { theme: 'dark' }, handover: id } })).calls.length, 0);
  }],
  ['a claim that was missed comes at the next login, by name', async (way) => {
    const id = 'draft_0123456789-abcdef';
    const login = { before: { app_metadata: { handover: receipt(id) } }, metadata: { preferences: { theme: 'dark' }, handover: id } };
    await way.deploy();
    assert.equal((await way.login(login)).claims[CLAIM], `already_transferred ${id}`);
    for (const secrets of [{ HANDOVER_MODE: 'observe' }, { HANDOVER_CLAIM: '' }]) {
      await way.deploy(secrets);
      const { calls, claims } = await way.login(login);
      assert.deepEqual([calls.length, CLAIM in claims], [0, false]);
    }
    // an empty name is no claim at all
    const set = [];
    const event = {
      anonymous_session: { user_id: 'anon@1', metadata: login.metadata }, user: { user_id: 'auth0|1', app_metadata: { handover: receipt(id) } },
      secrets: { HANDOVER_URL: way.receiver.url, HANDOVER_SECRET: SECRET, HANDOVER_ROOTS: ROOTS, HANDOVER_CLAIM: '' },
    };
    await direct(way, event, { idToken: { setCustomClaim: (name) => set.push(name) } });
    assert.deepEqual(set, []);
  }],
  ['a session without metadata is no call and no claim', async (way) => {
    await way.deploy();
    const visitor = way.visitor();
    await visitor.arrive();
    const own = await way.login({ metadata: null, enter: { ticket: await visitor.ticket() } });
    assert.deepEqual([own.calls.length, own.lines, CLAIM in own.claims], [0, [], false]);
    for (const shape of ['text', 'whole']) {
      await way.tenant.fault({ event: { metadata: shape } });
      const empty = await way.login({ metadata: { handover: 'draft_0123456789-abcdef' }, before: { app_metadata: { handover: receipt('draft_0123456789-abcdef') } } });
      assert.deepEqual([empty.calls.length, empty.lines, CLAIM in empty.claims], [0, [], false]);
    }
    const secrets = { HANDOVER_URL: way.receiver.url, HANDOVER_SECRET: SECRET, HANDOVER_ROOTS: ROOTS };
    for (const metadata of [undefined, null, '', '{', '[1]', '7', 'null', [1], 7, 7n]) {
      assert.deepEqual(await direct(way, { anonymous_session: { user_id: 'anon@1', metadata }, secrets, user: { user_id: 'auth0|1' } }, {}), [], `${metadata}`);
    }
  }],
  ['without a hand-over id the session is the hand-over', async (way) => {
    await way.deploy();
    const visitor = way.visitor();
    const first = await way.login({ visitor });
    const { session_id } = JSON.parse(first.calls[0].body).anonymous_session;
    await way.tenant.management.users.update(first.before.user_id, { app_metadata: { handover: receipt(session_id) } });
    for (const shape of ['text', 'whole']) {
      await way.tenant.fault({ event: { metadata: shape } });
      const again = await way.during(first.email, () => visitor.enter({ prompt: 'none' }));
      assert.deepEqual([again.calls.length, again.lines, again.claims[CLAIM]], [0, [], 'already_transferred'], shape);
    }
    // an empty text names nobody
    const event = {
      anonymous_session: { user_id: 'anon@1', session_id: '', metadata: { preferences: '{}' } }, user: { user_id: 'auth0|1', app_metadata: { handover: receipt('anon@1') } },
      secrets: { HANDOVER_URL: way.receiver.url, HANDOVER_SECRET: SECRET, HANDOVER_ROOTS: ROOTS },
    };
    assert.deepEqual(await direct(way, event, { idToken: { setCustomClaim: () => {} } }), []);
  }],
  ['the hand-over id is found in metadata that is one text', async (way) => {
    await way.deploy();
    await way.tenant.fault({ event: { metadata: 'whole' } });
    const id = 'draft_0123456789-abcdef';
    const login = await way.login({ before: { app_metadata: { handover: receipt(id) } }, metadata: { preferences: '{"theme":"dark"}', handover: id } });
    assert.equal(login.calls.length, 0);
  }],
  ['off is off', (way) => silent(way, { HANDOVER_MODE: 'off' })],
  ['observe asks, says and applies nothing', async (way) => {
    await way.deploy({ HANDOVER_MODE: 'observe' });
    const login = await way.login({ before: { user_metadata: { preferences: { theme: 'light' } } } });
    assert.deepEqual([login.calls.length, codes(login), login.writes, CLAIM in login.claims], [1, ['observed_transferred'], 0, false]);
    assert.deepEqual(metadata(login.after), metadata(login.before));
  }],
  ['another mode is a mistake', (way) => silent(way, { HANDOVER_MODE: 'aply' }, ['config_mode'])],
  ['only the named clients are asked about', async (way) => {
    await silent(way, { HANDOVER_CLIENTS: 'shop, app' }, [], { visitor: way.visitor('kiosk') });
    await way.deploy({ HANDOVER_CLIENTS: 'app, shop' });
    assert.equal((await way.login()).calls.length, 1);
  }],
  ['without roots nothing is done', async (way) => {
    const taken = { before: { app_metadata: { handover: receipt('draft_0123456789-abcdef') } }, metadata: { preferences: { theme: 'dark' }, handover: 'draft_0123456789-abcdef' } };
    await silent(way, { HANDOVER_ROOTS: undefined }, ['config_roots'], taken);
    await silent(way, { HANDOVER_ROOTS: undefined }, ['config_roots']);
    for (const HANDOVER_ROOTS of ['', ' , ', 'cart', 'app_metadata.', 'app_metadata.a.b', 'app_metadata.email', 'metadata.cart', 'app_metadata.__proto__', 'user_metadata.constructor', 'user_metadata.prototype', `${ROOTS},app_metadata.$a`]) {
      await silent(way, { HANDOVER_ROOTS }, ['config_roots']);
    }
  }],
  ['a poor secret is none', async (way) => {
    for (const HANDOVER_SECRET of [undefined, '', 'secret', 'whsec_c2hvcnQ=', SECRET.slice('whsec_'.length), 'whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM=']) {
      await silent(way, { HANDOVER_SECRET }, ['config_secret']);
    }
  }],
  ['the url is https, or this machine', async (way) => {
    for (const HANDOVER_URL of [undefined, '', 'handover', 'http://handover.test', 'http://127.0.0.1.handover.test', 'http://localhost.test', 'ftp://127.0.0.1', 'http://10.0.0.1', 'https://me@handover.test', 'https://:word@handover.test']) {
      await silent(way, { HANDOVER_URL }, ['config_url']);
    }
    for (const path of ['', '/', '/v1/transfer', '/v1/transfer/']) {
      await way.deploy({ HANDOVER_URL: way.receiver.url + path });
      assert.equal((await way.login()).calls[0].path, '/v1/transfer');
    }
    for (const url of [way.receiver.url.replace('http:', 'https:'), 'http://localhost:9', 'http://[::1]:9', 'http://127.1.2.3:9']) {
      await way.deploy({ HANDOVER_URL: url });
      assert.deepEqual(codes(await way.login()), ['unreachable'], url);
    }
  }],
  ['the deadline is 2500 ms, and never above 8000', async (way) => {
    const real = AbortSignal.timeout;
    const asked = [];
    AbortSignal.timeout = (ms) => { asked.push(ms); return real.call(AbortSignal, ms); };
    try {
      for (const [text, ms] of [[undefined, 2_500], ['', 2_500], ['soon', 2_500], ['-1', 2_500], ['1000', 1_000], ['8000', 8_000], ['60000', 8_000]]) {
        await way.deploy({ HANDOVER_DEADLINE_MS: text });
        asked.length = 0;
        await way.login();
        const own = asked.filter((each) => each !== CLIENTS_OWN_MS);
        assert.ok(own.length === 1 && own[0] <= ms && own[0] > ms - 200, `${text}: ${asked}`);
      }
    } finally {
      AbortSignal.timeout = real;
    }
  }],
  ['the claim is the reason, else the status, and only when the session is spent', async (way) => {
    await way.deploy();
    for (const [commands, more, claim] of [
      [[set, clear], {}, 'transferred'], [[clear], { status: 'unchanged' }, 'unchanged'], [[clear], { status: 'skipped', reason: 'already_transferred' }, 'already_transferred'],
      [[set], {}, undefined], [[], { status: 'skipped', reason: 'session_expired' }, undefined],
    ]) {
      way.answer(commands, more);
      assert.equal((await way.login()).claims[CLAIM], claim);
    }
    way.answer([], { status: 'skipped', reason: 'claimed_by_another_account' });
    assert.equal((await way.login()).claims[CLAIM], 'claimed_by_another_account');
    way.answer([set, clear]);
    const id = 'draft_0123456789-abcdef';
    const named = await way.login({ metadata: { preferences: { theme: 'dark' }, handover: id } });
    assert.equal(named.claims[CLAIM], `transferred ${id}`);
    const short = await way.login({ metadata: { preferences: { theme: 'dark' }, handover: 'short' } });
    assert.equal(short.claims[CLAIM], 'transferred');
    await way.deploy({ HANDOVER_CLAIM: 'urn:other:status' });
    const { claims } = await way.login();
    assert.deepEqual([claims['urn:other:status'], CLAIM in claims], ['transferred', false]);
    await way.deploy({ HANDOVER_CLAIM: '' });
    assert.equal(CLAIM in (await way.login()).claims, false);
  }],
  ['every status lets the person in', async (way) => {
    await way.deploy();
    for (const more of [{ status: 'refused' }, { status: 'skipped', reason: 'claimed_by_another_account' }, { status: 'denied' }]) {
      way.answer([], more);
      const login = await way.login();
      assert.deepEqual([codes(login), login.claims.sub], [[more.reason ?? more.status], login.after.user_id]);
    }
  }],
  ['a request has the id of its transaction', async (way) => {
    await way.deploy();
    assert.equal(await idFor(way, { id: 'a-b_c' }), 'auth0:acme:a-b_c');
    for (const id of ['a.b', 'é', 'x'.repeat(200), 'a b']) {
      const sent = await idFor(way, { id });
      assert.match(sent, /^auth0:[\w-]{43}$/);
      assert.equal(sent, await idFor(way, { id }));
    }
    assert.equal(await idFor(way, { id: 'x'.repeat(117) }), `auth0:acme:${'x'.repeat(117)}`);
    assert.match(await idFor(way, { id: 'x'.repeat(118) }), /^auth0:[\w-]{43}$/);
    const [one, two] = [await idFor(way, {}), await idFor(way, undefined)];
    assert.match(one, /^auth0:[0-9a-f-]{36}$/);
    assert.notEqual(one, two);
  }],
  ['an event without statistics is a login', async (way) => {
    await way.deploy();
    const start = way.receiver.calls.length;
    await idFor(way, { id: 'x' });
    assert.equal(JSON.parse(way.receiver.calls[start].body).trigger, 'login');
    // a count is a number, whatever JavaScript thinks of it
    for (const [logins_count, trigger] of [['1', 'login'], [null, 'login'], [1, 'signup'], [0, 'signup'], [2, 'login']]) {
      const at = way.receiver.calls.length;
      await direct(way, {
        anonymous_session: { user_id: 'anon@1', metadata: { preferences: '{}' } }, user: { user_id: 'auth0|1' }, stats: { logins_count },
        secrets: { HANDOVER_URL: way.receiver.url, HANDOVER_SECRET: SECRET, HANDOVER_ROOTS: ROOTS },
      }, {});
      assert.equal(JSON.parse(way.receiver.calls[at].body).trigger, trigger, `${logins_count}`);
    }
  }],
  ['a request of more than 256 KiB does not leave', async (way) => {
    await way.deploy({ HANDOVER_ROOTS: 'user_metadata.preferences,user_metadata.diary' });
    const login = await way.login({ before: { user_metadata: { diary: 'x'.repeat(262_144) } } });
    assert.deepEqual([codes(login), login.calls.length], [['request_too_large'], 0]);
  }],
  ['whatever the event and the api are, nothing is thrown', async (way) => {
    await way.deploy();
    const secrets = { HANDOVER_URL: way.receiver.url, HANDOVER_SECRET: SECRET, HANDOVER_ROOTS: ROOTS };
    const session = { user_id: 'anon@1', session_id: 's', created_at: Date.now() - 1_000, expires_at: '2099-01-01T00:00:00Z', metadata: { preferences: '{"theme":"dark"}' } };
    const cyclic = { ...session, metadata: {} };
    cyclic.metadata.self = cyclic;
    const user = { user_id: 'auth0|1' };
    const throwing = new Proxy({}, { get() { throw new Error('secret_word'); } });
    for (const [event, api, code] of [
      [{}, {}, undefined], [undefined, undefined, 'failed'], [null, null, 'failed'], [throwing, throwing, 'failed'], [{ anonymous_session: session }, {}, 'config_secret'], [{ anonymous_session: session, secrets }, {}, 'failed'],
      [{ anonymous_session: session, user }, {}, 'config_secret'], [{ anonymous_session: cyclic, secrets, user }, {}, 'failed'],
      [{ anonymous_session: { ...session, metadata: { a: 7n } }, secrets, user }, {}, 'failed'], [{ anonymous_session: session, secrets, user }, undefined, 'failed'],
      [{ anonymous_session: session, secrets, user }, throwing, 'failed'], [{ anonymous_session: session, secrets, user }, {}, 'apply_failed'],
    ]) {
      const said = codes({ lines: await direct(way, event, api) });
      assert.deepEqual(said, code ? [code] : [], code);
    }
  }],
  ['a claim that cannot be set takes nothing back', async (way) => {
    await way.deploy();
    const written = [];
    const api = {
      user: { setAppMetadata: () => {}, setUserMetadata: (key) => written.push(key) },
      idToken: { setCustomClaim: () => { throw new Error('reserved'); } },
    };
    const event = {
      anonymous_session: { user_id: 'anon@1', created_at: Date.now() - 1_000, expires_at: Date.now() + 86_400_000, metadata: { preferences: '{"theme":"dark"}' } },
      secrets: { HANDOVER_URL: way.receiver.url, HANDOVER_SECRET: SECRET, HANDOVER_ROOTS: ROOTS }, user: { user_id: 'auth0|1' }, tenant: { id: 'acme' },
    };
    assert.match((await direct(way, event, api)).join(), /^handover transferred /);
    assert.deepEqual(written, ['preferences']);
  }],
];
