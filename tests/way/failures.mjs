/** A webhook that is down, slow or overloaded: the login succeeds, the account is unchanged, and soon nobody is asked. */
import assert from 'node:assert/strict';
import { mock } from 'node:test';

import { CLAIM } from './drivers.mjs';
import { decision, signed } from './receiver.mjs';
import { SECRET, codes, metadata } from './way.mjs';

const BEFORE = { app_metadata: { plan: 'free' }, user_metadata: { preferences: { theme: 'light' } } };
const status = (code) => () => ({ status: code });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function unchanged(way, code, calls) {
  const login = await way.login({ before: BEFORE });
  assert.deepEqual([codes(login), login.calls.length], [[code], calls]);
  assert.deepEqual([metadata(login.after), login.writes, CLAIM in login.claims], [BEFORE, 0, false], code);
  return login;
}

async function transferred(way, calls) {
  const login = await way.login({ before: BEFORE });
  assert.deepEqual([codes(login), login.calls.length, login.after.user_metadata.preferences.theme], [['transferred'], calls, 'dark']);
  return login;
}

/** Fails the first call of each login by `first`, and passes the others on. */
function failFirst(way, first) {
  const start = way.receiver.calls.length;
  way.receiver.behave = (_, forward, count) => (count === start + 1 ? first : forward());
}

export const failures = [
  ['a server that is down', async (way) => {
    await way.deploy({ HANDOVER_URL: 'http://127.0.0.1:9' });
    await unchanged(way, 'unreachable', 0);
  }],
  ['a server that is slow', async (way) => {
    await way.deploy({ HANDOVER_DEADLINE_MS: '400' });
    way.receiver.behave = async (_, forward) => { await pause(3_000); return forward(); };
    const start = performance.now();
    await unchanged(way, 'deadline', 1);
    assert.ok(performance.now() - start < 3_000);
  }],
  ['a server that never ends its body', async (way) => {
    await way.deploy({ HANDOVER_DEADLINE_MS: '400' });
    way.receiver.behave = () => ({ trickle: '{"id":"' });
    await unchanged(way, 'deadline', 1);
  }],
  ['a server that hangs up', async (way) => {
    await way.deploy();
    way.receiver.behave = () => 'drop';
    await unchanged(way, 'unreachable', 2);
  }],
  ['a second try after a network error, 429, 502, 503 and 504', async (way) => {
    for (const first of ['drop', ...[429, 502, 503, 504].map((code) => ({ status: code }))]) {
      await way.deploy();
      failFirst(way, first);
      const { calls } = await transferred(way, 2);
      assert.equal(calls[0].headers['webhook-id'], calls[1].headers['webhook-id']);
      assert.equal(calls[0].body, calls[1].body);
      assert.ok(calls[1].at - calls[0].at >= 45, 'between the tries is a pause');
    }
  }],
  ['the pause between the tries is 50 to 150 ms', async (way) => {
    const real = { timeout: globalThis.setTimeout, random: Math.random };
    const asked = [];
    globalThis.setTimeout = (run, ms, ...more) => { asked.push(ms); return real.timeout(run, ms, ...more); };
    try {
      for (const [random, ms] of [[0, 50], [0.5, 100], [1, 150]]) {
        await way.deploy();
        failFirst(way, { status: 503 });
        Math.random = () => random;
        asked.length = 0;
        await transferred(way, 2);
        assert.ok(asked.includes(ms), `${asked}`);
      }
    } finally {
      Object.assign(globalThis, { setTimeout: real.timeout });
      Math.random = real.random;
    }
  }],
  ['a second try is signed anew', async (way) => {
    await way.deploy();
    const start = way.receiver.calls.length;
    way.receiver.behave = async (_, forward, count) => {
      if (count > start + 1) return forward();
      await pause(1_100);
      return { status: 503 };
    };
    const { calls } = await transferred(way, 2);
    const [first, second] = calls.map(({ headers }) => Number(headers['webhook-timestamp']));
    assert.ok(second > first);
  }],
  ['never a third try', async (way) => {
    await way.deploy();
    way.receiver.behave = status(503);
    await unchanged(way, 'http_503', 2);
  }],
  ['no second try after another status', async (way) => {
    await way.deploy();
    for (const code of [400, 401, 404, 408, 500, 501]) {
      way.tenant.actions.cache.clear();
      way.receiver.behave = status(code);
      await unchanged(way, `http_${code}`, 1);
    }
  }],
  ['no second try when less than 600 ms are left', async (way) => {
    await way.deploy({ HANDOVER_DEADLINE_MS: '900' });
    way.receiver.behave = async () => { await pause(400); return { status: 503 }; };
    await unchanged(way, 'http_503', 1);
  }],
  ['the second try shares the deadline of the first', async (way) => {
    await way.deploy({ HANDOVER_DEADLINE_MS: '2000' });
    const start = way.receiver.calls.length;
    way.receiver.behave = async (_, forward, count) => {
      if (count === start + 1) { await pause(200); return { status: 503 }; }
      await pause(2_000);
      return forward();
    };
    await unchanged(way, 'deadline', 2);
  }],
  ['after three failures in a row nobody is asked for 30 s', async (way) => {
    for (const [code, behave] of [['http_500', status(500)], ['http_429', status(429)], ['unreachable', () => 'drop'], ['deadline', async () => { await pause(900); return {}; }]]) {
      await way.deploy({ HANDOVER_DEADLINE_MS: '500' });
      way.receiver.behave = behave;
      for (let count = 0; count < 3; count += 1) await unchanged(way, code, 1);
      way.receiver.behave = undefined;
      await unchanged(way, 'breaker_open', 0);
    }
    mock.timers.enable({ apis: ['Date'], now: Date.now() + 29_000 });
    try {
      await unchanged(way, 'breaker_open', 0);
      mock.timers.setTime(Date.now() + 2_000);
      await transferred(way, 1);
      await transferred(way, 1);
    } finally {
      mock.timers.reset();
    }
  }],
  ['a failure after the 30 s opens it again at once', async (way) => {
    await way.deploy();
    way.receiver.behave = status(500);
    for (let count = 0; count < 3; count += 1) await unchanged(way, 'http_500', 1);
    mock.timers.enable({ apis: ['Date'], now: Date.now() + 31_000 });
    try {
      await unchanged(way, 'http_500', 1);
      await unchanged(way, 'breaker_open', 0);
    } finally {
      mock.timers.reset();
    }
  }],
  ['a good answer between failures closes it', async (way) => {
    await way.deploy();
    for (let round = 0; round < 2; round += 1) {
      way.receiver.behave = status(500);
      await unchanged(way, 'http_500', 1);
      await unchanged(way, 'http_500', 1);
      way.receiver.behave = undefined;
      await transferred(way, 1);
    }
  }],
  ['a login that ends late does not close what others opened', async (way) => {
    await way.deploy();
    const start = way.receiver.calls.length;
    way.receiver.behave = async (_, __, count) => { if (count > start + 1) return { status: 500 }; await pause(1_500); return { status: 400 }; };
    const emails = [await way.person(), await way.person()];
    const slow = way.login({ email: emails[0] });
    while (way.receiver.calls.length === start) await pause(10);
    for (let count = 0; count < 3; count += 1) await way.login({ email: emails[1], metadata: { handover: `draft_number_${count}_0123`, preferences: { theme: 'dark' } } });
    await unchanged(way, 'breaker_open', 0);
    assert.ok(codes(await slow).includes('http_400'));
    await unchanged(way, 'breaker_open', 0);
  }],
  ['logins that fail at the same time are all counted', async (way) => {
    await way.deploy();
    way.receiver.behave = async () => { await pause(300); return { status: 500 }; };
    const emails = await Promise.all(Array.from({ length: 3 }, () => way.person()));
    await Promise.all(emails.map((email) => way.login({ email })));
    await unchanged(way, 'breaker_open', 0);
  }],
  ['an answer between failures, even a refused one, closes it', async (way) => {
    await way.deploy();
    for (const [code, said] of [[500, 'http_500'], [500, 'http_500'], [400, 'http_400'], [500, 'http_500'], [500, 'http_500']]) {
      way.receiver.behave = status(code);
      await unchanged(way, said, 1);
    }
    way.receiver.behave = undefined;
    await transferred(way, 1);
  }],
  ['what is no breaker of ours means closed', async (way) => {
    for (const value of ['x y', '', '3', 'NaN 0', `3.5 ${Date.now() + 9_000}`, '3 Infinity']) {
      await way.deploy();
      way.tenant.actions.cache.set('handover.breaker', value);
      way.receiver.behave = status(500);
      for (let count = 0; count < 3; count += 1) await unchanged(way, 'http_500', 1);
      await unchanged(way, 'breaker_open', 0);
    }
  }],
  ['an answer that is refused is no failure of the server', async (way) => {
    await way.deploy();
    way.receiver.behave = status(400);
    for (let count = 0; count < 4; count += 1) await unchanged(way, 'http_400', 1);
    way.receiver.behave = ({ headers: { 'webhook-id': id } }) => signed(SECRET, id, decision('tx_2', []));
    for (let count = 0; count < 4; count += 1) await unchanged(way, 'answer_of_another', 1);
  }],
  ['a lost cache means closed', async (way) => {
    await way.deploy();
    await way.tenant.fault({ cache: 'lost' });
    way.receiver.behave = status(500);
    for (let count = 0; count < 5; count += 1) await unchanged(way, 'http_500', 1);
  }],
];
