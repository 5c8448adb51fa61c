/** The rules of access tokens. */
import assert from 'node:assert/strict';

import { finish, idOf, prepare, set, until } from './world.mjs';

export const tokens = [
  ['the provider\'s SDK gets the metadata, the audience and the end of a session', async (world, device) => {
    const page = await world.tab(device);
    assert.deepEqual(await page.evaluate(async () => {
      const asked = [];
      const note = (name, answer) => async (options) => { asked.push([name, options]); return answer; };
      const anonymous = { createSession: note('create', {}), getTokenSilently: note('token', { accessToken: 'one', expiresAt: 9e9 }), logout: note('logout') };
      const own = new AnonymousDraft({ transport: auth0({ anonymous }), key: 'sdk' });
      own.set('cart', [1]);
      const answers = [await own.prepareLogin(), await own.getToken('https://api.test')];
      delete asked[1][1].metadata.handover;
      return [answers, asked];
    }), [[{ left: [] }, 'one'], [['logout', undefined], ['create', { metadata: { cart: '[1]' } }], ['token', { audience: 'https://api.test' }]]]);
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
  ['a token that was asked for while the session ends is dropped with it', async (world, device) => {
    const page = await world.tab(device, 'draftSetOnce');
    await set(page, { cart: [1] });
    await prepare(page);
    let release;
    world.site.behave = ({ method }) => (method === 'DELETE' ? new Promise((resolve) => { release = resolve; }) : undefined);
    await page.evaluate(() => draft.clear());
    assert.equal(await page.evaluate(() => draft.getToken()), 'token-1');
    release();
    await until(() => world.site.session === undefined);
    await page.evaluate(() => draft.flush());
    assert.equal(await page.evaluate(() => draft.getToken()), 'token-2');
  }],
  ['no token outlives a session that expired', async (world, device) => {
    const page = await world.tab(device);
    await set(page, { cart: [1] });
    await page.evaluate(() => draft.flush());
    assert.equal(await page.evaluate(() => draft.getToken()), 'token-1');
    world.site.session = undefined;
    await set(page, { cart: [2] });
    await page.evaluate(() => draft.flush());
    assert.equal(world.bodies('POST').length, 2);
    assert.equal(await page.evaluate(() => draft.getToken()), 'token-2');
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
