/** Our server against the scheme's own library: what it signs we verify, what we sign it verifies. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Webhook } from 'standardwebhooks';

import { startHandover } from './drivers.mjs';
import { SECRET } from './way.mjs';

const OTHER = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const REQUEST = JSON.stringify({ id: 'tx_1', trigger: 'login', at: '2026-11-23T10:00:00Z', account: { id: 'auth0|1' } });

let handover;
before(async () => { handover = await startHandover({ HANDOVER_SECRETS: `${OTHER} ${SECRET}` }); });
after(() => handover.stop());

async function post(secret, { id = 'tx_1', body = REQUEST, at = new Date() } = {}) {
  const headers = {
    'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': `${Math.floor(at / 1000)}`,
    'webhook-signature': new Webhook(secret).sign(id, at, body),
  };
  const answer = await fetch(`${handover.url}/v1/transfer`, { method: 'POST', headers, body });
  return { status: answer.status, headers: Object.fromEntries(answer.headers), text: await answer.text() };
}

/** Verifies by the library, as the answer to this request. */
function verify(secret, { headers, text }, id = 'tx_1') {
  return new Webhook(secret).verify(text, { ...headers, 'webhook-id': `response\n${id}` });
}

test('the test vector', () => {
  const body = '{"id":"tx_0198c1","trigger":"login"}';
  const signature = new Webhook(SECRET).sign('tx_0198c1', new Date(1_795_428_000_000), body);
  assert.equal(signature, 'v1,KGuWYm+ZTcCqM+s4WzFGWlQWj6BuYZ59emEpfHPviLk=');
});

test('a request that the library signed gets an answer that it verifies, by the same secret', async () => {
  for (const [secret, other] of [[SECRET, OTHER], [OTHER, SECRET]]) {
    const answer = await post(secret);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['webhook-id'], 'tx_1');
    assert.equal(verify(secret, answer).id, 'tx_1');
    assert.throws(() => verify(other, answer));
    assert.throws(() => verify(secret, answer, 'tx_2'));
    assert.throws(() => new Webhook(secret).verify(answer.text, answer.headers), 'an answer is no valid request');
  }
});

test('problems are signed too, once the caller is known', async () => {
  for (const [wrong, status, code] of [
    [{ body: '{' }, 400, 'invalid_json'], [{ id: 'tx_2' }, 400, 'id_mismatch'], [{ at: new Date(Date.now() - 400_000) }, 401, 'timestamp_out_of_range'],
  ]) {
    const answer = await post(SECRET, wrong);
    assert.equal(answer.status, status);
    assert.equal(verify(SECRET, answer, wrong.id).code, code);
  }
  const unknown = await post('whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=');
  assert.deepEqual([unknown.status, JSON.parse(unknown.text).code, unknown.headers['webhook-signature']], [401, 'signature_invalid', undefined]);
});
