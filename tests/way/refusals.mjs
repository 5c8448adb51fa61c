/** Answers that the Action must not apply: unsigned, of another, or asking for what the provider refuses. The login succeeds. */
import assert from 'node:assert/strict';

import { RESERVED } from '../emulator/users.mjs';
import { CLAIM } from './drivers.mjs';
import { decision, signed, signedAt } from './receiver.mjs';
import { SECRET, codes, metadata } from './way.mjs';

const OTHER = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const BEFORE = { app_metadata: { cart: { items: [{ sku: 'A', qty: 1 }] } }, user_metadata: { preferences: { theme: 'light' } } };
const app = (key, value) => ({ command: 'set_app_metadata', key, value });
const user = (key, value) => ({ command: 'set_user_metadata', key, value });
const GOOD = [app('cart', { items: [] }), user('preferences', { theme: 'dark' })];
const clear = { command: 'clear_anonymous_session' };

/** Roots that these answers write, so that they are refused for what they are tested for. */
const NAMED = ['cart', 'preferences', 'a', 'b', 'new', 'big', 'email2', 'email', ...Array.from({ length: 65 }, (_, index) => `root${index}`)];
const ROOTS = NAMED.flatMap((root) => (root === 'email' ? ['user_metadata.email'] : [`app_metadata.${root}`, `user_metadata.${root}`])).join(',');

/** A login whose answer is refused for this reason: nothing is written, nothing claimed. */
async function refused(way, code) {
  const login = await way.login({ before: BEFORE });
  assert.deepEqual(codes(login), [code]);
  assert.deepEqual([metadata(login.after), login.writes, CLAIM in login.claims], [BEFORE, 0, false], code);
}

/** Refuses each of these commands, put last after good ones. */
function refuses(code, ...commands) {
  return async (way) => {
    await way.deploy({ HANDOVER_ROOTS: ROOTS });
    for (const command of commands) {
      way.answer([...GOOD, ...[command].flat(), clear]);
      await refused(way, code);
    }
  };
}

/** Refuses an answer made by `make(id, text of a good decision)`. */
function refusesAnswer(code, make) {
  return async (way) => {
    await way.deploy({ HANDOVER_ROOTS: ROOTS });
    way.receiver.behave = ({ headers, body }) => make(headers['webhook-id'], JSON.stringify(decision(headers['webhook-id'], GOOD)), { headers, body });
    await refused(way, code);
  };
}

const padded = (bytes, key) => 'x'.repeat(bytes - Buffer.byteLength(JSON.stringify({ [key]: '' })));

export const refusals = [
  ['a well signed decision is applied', async (way) => {
    await way.deploy({ HANDOVER_ROOTS: ROOTS });
    way.answer([...GOOD, clear]);
    const login = await way.login({ before: BEFORE });
    assert.deepEqual([codes(login), login.claims[CLAIM], login.writes], [['transferred'], 'transferred', 1]);
    assert.deepEqual(metadata(login.after), { app_metadata: { cart: { items: [] } }, user_metadata: { preferences: { theme: 'dark' } } });
  }],
  ['an unsigned answer is not applied', refusesAnswer('answer_unsigned', (_, body) => ({ headers: { 'content-type': 'application/json' }, body }))],
  ['an answer of another secret is not applied', refusesAnswer('answer_unsigned', (id, body) => signed(OTHER, id, body))],
  ['an answer that was changed is not applied', refusesAnswer('answer_unsigned', (id, body) => ({ ...signed(SECRET, id, body), body: body.replace('"dark"', '"dusk"') }))],
  ['an answer under another id is not applied', refusesAnswer('answer_unsigned', (id, body) => signed(SECRET, 'tx_2', body))],
  ['an answer whose signature is that of a request is not applied', refusesAnswer('answer_unsigned', (id, body) => signed(SECRET, id, body, { signedId: id }))],
  ['an answer signed for this id and sent with another is not applied', refusesAnswer('answer_unsigned', (id, body) => signed(SECRET, id, body, { sentId: 'tx_2' }))],
  ['our own request sent back is not applied', refusesAnswer('answer_unsigned', (id, _, { headers, body }) => ({ headers, body }))],
  ['garbage is not applied', refusesAnswer('answer_unsigned', () => ({ headers: { 'content-type': 'text/html' }, body: '<h1>It works!</h1>' }))],
  ['an answer of six minutes ago is not applied', refusesAnswer('answer_late', (id, body) => signed(SECRET, id, body, { at: new Date(Date.now() - 360_000) }))],
  ['an answer of the future is not applied', refusesAnswer('answer_late', (id, body) => signed(SECRET, id, body, { at: new Date(Date.now() + 360_000) }))],
  ['an answer whose time is malformed is not applied', async (way) => {
    await way.deploy({ HANDOVER_ROOTS: ROOTS });
    const now = Math.floor(Date.now() / 1000);
    for (const at of [`0${now}`, `+${now}`, `${now}.0`, `${now}e0`, `0x${now.toString(16)}`]) {
      way.receiver.behave = ({ headers: { 'webhook-id': id } }) => signedAt(SECRET, id, JSON.stringify(decision(id, GOOD)), at);
      await refused(way, 'answer_late');
    }
  }],
  ['one good signature among sixteen is enough, among seventeen it is not', async (way) => {
    await way.deploy({ HANDOVER_ROOTS: ROOTS });
    const beside = (entries) => ({ headers: { 'webhook-id': id } }) => {
      const answer = signed(SECRET, id, decision(id, GOOD));
      answer.headers['webhook-signature'] = [...entries, answer.headers['webhook-signature']].join(' ');
      return answer;
    };
    for (const entries of [['v1a,AAAA'], ['v1,AAAA', ''], [`v1,${'\xe9'.repeat(44)}`], Array(15).fill('v1,AAAA')]) {
      way.receiver.behave = beside(entries);
      assert.deepEqual(codes(await way.login({ before: BEFORE })), ['transferred']);
    }
    way.receiver.behave = beside(Array(16).fill('v1,AAAA'));
    await refused(way, 'answer_unsigned');
    way.receiver.behave = ({ headers: { 'webhook-id': id } }) => ({ headers: { ...signed(SECRET, id, '{}').headers, 'webhook-signature': `v1,${'\xe9'.repeat(44)}` }, body: '{}' });
    await refused(way, 'answer_unsigned');
  }],
  ['an answer of four minutes ago is applied', async (way) => {
    await way.deploy({ HANDOVER_ROOTS: ROOTS });
    way.receiver.behave = ({ headers: { 'webhook-id': id } }) => signed(SECRET, id, decision(id, GOOD), { at: new Date(Date.now() - 240_000) });
    assert.deepEqual(codes(await way.login({ before: BEFORE })), ['transferred']);
  }],
  ['signed garbage is not applied', async (way) => {
    await way.deploy({ HANDOVER_ROOTS: ROOTS });
    for (const body of ['{', '', 'null', '[]', '7', '{"id":1}', '{"status":"transferred","commands":[]}'.replace('"transferred"', '{}'), '{"status":"transferred"}']) {
      way.receiver.behave = ({ headers: { 'webhook-id': id } }) => signed(SECRET, id, body);
      await refused(way, 'answer_malformed');
    }
    way.answer(GOOD, { status: 'A sentence about a person' });
    await refused(way, 'answer_malformed');
  }],
  ['a decision with another id is not applied', refusesAnswer('answer_of_another', (id, body) => signed(SECRET, id, body.replace(id, 'tx_2')))],
  ['more than 64 commands are not applied, 64 are', async (way) => {
    await way.deploy({ HANDOVER_ROOTS: ROOTS });
    way.answer(Array.from({ length: 65 }, (_, index) => app(`root${index}`, index)));
    await refused(way, 'too_many_commands');
    way.answer(Array.from({ length: 64 }, (_, index) => app(`root${index}`, index)));
    const login = await way.login({ before: BEFORE });
    assert.equal(Object.keys(login.after.app_metadata).length, 65);
  }],
  ['an unknown command is not applied', refuses('unknown_command', { command: 'deny' }, { command: 'toString', key: 'a', value: 1 }, {}, null, 7, { command: ['set_app_metadata'], key: 'a', value: 1 },
    { command: 'set_app_metadata', key: 'a' }, { command: 'set_app_metadatas', key: 'a', value: 1 })],
  ['an empty key is not applied', refuses('bad_key', app('', 1), user('', 1))],
  ['a key that is no text is not applied', refuses('bad_key', app(7, 1), app(null, 1), app(['cart'], 1))],
  ['a reserved key is not applied', refuses('bad_key', ...[...RESERVED].map((key) => app(key, 1)))],
  ['a repeated key is not applied', refuses('bad_key', [app('a', 1), app('a', 1)], user('preferences', {}))],
  ['a key with a dot, a dollar or NUL is not applied', refuses('bad_key', app('a.b', 1), user('a$', 1), app('a\0', 1))],
  ['a member name with a dot, a dollar or NUL is not applied', refuses('bad_name', app('a', { 'b.c': 1 }), user('a', [{ b: { $c: 1 } }]), user('a', [{ b: { 'c\0': 1 } }]))],
  ['a name that is no root is not applied', refuses('bad_key', app('__proto__', 1), user('constructor', {}), app('prototype', 1))],
  ['a root that the secret does not name is not applied', async (way) => {
    await way.deploy({ HANDOVER_ROOTS: 'app_metadata.cart,user_metadata.preferences' });
    for (const command of [app('preferences', {}), user('cart', {}), app('plan', 'gold'), user('handover', {})]) {
      way.answer([...GOOD.slice(0, 1), command, clear]);
      await refused(way, 'root_not_named');
    }
    // but for the receipt
    way.answer([...GOOD, app('handover', { v: 1, taken: [] }), clear]);
    assert.deepEqual(codes(await way.login({ before: BEFORE })), ['transferred']);
  }],
  ['an integer that JavaScript cannot hold is not applied', async (way) => {
    await way.deploy({ HANDOVER_ROOTS: ROOTS });
    const number = (text) => ({ headers: { 'webhook-id': id } }) => signed(SECRET, id, JSON.stringify(decision(id, [...GOOD, app('a', [{ n: 'NUMBER' }]), clear])).replace('"NUMBER"', text));
    for (const text of ['9007199254740992', '-9007199254740992', '9007199254740993', '18446744073709551616', '1e16', '9007199254740993.0']) {
      way.receiver.behave = number(text);
      await refused(way, 'bad_number');
    }
    for (const text of ['9007199254740991', '-9007199254740991', '0.5', '-1.5e3']) {
      way.receiver.behave = number(text);
      assert.deepEqual(codes(await way.login({ before: BEFORE })), ['transferred'], text);
    }
  }],
  ['a value that is too deep to be looked through is not applied', async (way) => {
    await way.deploy({ HANDOVER_ROOTS: ROOTS });
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    way.receiver.behave = ({ headers: { 'webhook-id': id } }) => signed(SECRET, id, JSON.stringify(decision(id, [app('a', 'DEEP')])).replace('"DEEP"', deep));
    await refused(way, 'bad_name');
  }],
  ['the same key on both sides is applied', async (way) => {
    await way.deploy({ HANDOVER_ROOTS: ROOTS });
    way.answer([app('email2', 1), user('email2', 2), user('email', 3)]);
    assert.deepEqual(codes(await way.login({ before: BEFORE })), ['transferred']);
  }],
  ['more than 32768 bytes a side are not applied, 32768 are', async (way) => {
    await way.deploy({ HANDOVER_ROOTS: ROOTS });
    for (const set of [app, user]) {
      way.answer([set('big', padded(32_769, 'big'))]);
      await refused(way, 'too_many_bytes');
      way.answer([set('big', padded(32_770, 'big').replaceAll('xx', 'é'))]);
      await refused(way, 'too_many_bytes');
      way.answer([set('big', padded(32_768, 'big'))]);
      assert.deepEqual(codes(await way.login({ before: BEFORE })), ['transferred']);
    }
    way.answer([app('big', padded(32_768, 'big')), user('big', padded(32_768, 'big'))]);
    assert.deepEqual(codes(await way.login({ before: BEFORE })), ['transferred']);
  }],
  ['if a setter throws, what was set gets its old value back', async (way) => {
    await way.deploy({ HANDOVER_ROOTS: ROOTS });
    way.answer([...GOOD.slice(0, 1), app('new', 1), ...GOOD.slice(1), clear]);
    await way.tenant.fault({ route: 'set_user_metadata', times: 1 });
    const login = await way.login({ before: BEFORE });
    assert.deepEqual([codes(login), metadata(login.after), CLAIM in login.claims], [['apply_failed'], BEFORE, false]);
  }],
  ['if a setter throws, the other side gets its old values back too', async (way) => {
    await way.deploy({ HANDOVER_ROOTS: ROOTS });
    way.answer([GOOD[1], user('new', 1), GOOD[0], clear]);
    await way.tenant.fault({ route: 'set_app_metadata', times: 1 });
    const login = await way.login({ before: BEFORE });
    assert.deepEqual([codes(login), metadata(login.after), CLAIM in login.claims], [['apply_failed'], BEFORE, false]);
  }],
  ['if the setters throw at the old values too, the login still succeeds', async (way) => {
    await way.deploy({ HANDOVER_ROOTS: ROOTS });
    way.answer([...GOOD, clear]);
    await way.tenant.fault([{ route: 'set_user_metadata' }]);
    assert.deepEqual(codes(await way.login({ before: BEFORE })), ['apply_failed']);
  }],
  ['a redirect is not followed', async (way) => {
    await way.deploy({ HANDOVER_ROOTS: ROOTS });
    for (const status of [301, 302, 303, 307, 308]) {
      const start = way.receiver.calls.length;
      way.receiver.behave = ({ path, headers: { 'webhook-id': id } }) => (path === '/v1/transfer'
        ? { status, headers: { location: `${way.receiver.url}/elsewhere` } } : signed(SECRET, id, decision(id, GOOD)));
      await refused(way, 'redirected');
      assert.equal(way.receiver.calls.length, start + 1);
    }
  }],
  ['a signed problem changes nothing', async (way) => {
    await way.deploy({ HANDOVER_ROOTS: ROOTS });
    for (const status of [201, 204, 400, 401, 404, 500]) {
      way.receiver.behave = ({ headers: { 'webhook-id': id } }) => signed(SECRET, id, status === 204 ? '' : decision(id, GOOD), { status });
      way.tenant.actions.cache.clear();
      await refused(way, `http_${status}`);
    }
  }],
  ['an answer of more than 256 KiB is not read, one of 256 KiB is', async (way) => {
    await way.deploy({ HANDOVER_ROOTS: ROOTS });
    const sized = (bytes) => ({ headers: { 'webhook-id': id } }) => {
      const empty = JSON.stringify(decision(id, GOOD, { padding: '' }));
      return signed(SECRET, id, empty.replace('"padding":""', `"padding":"${'x'.repeat(bytes - empty.length)}"`));
    };
    way.receiver.behave = sized(262_145);
    await refused(way, 'answer_too_large');
    way.receiver.behave = sized(262_144);
    assert.deepEqual(codes(await way.login({ before: BEFORE })), ['transferred']);
  }],
];
