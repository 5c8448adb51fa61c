/**
 * A shop's own server: a page with a script, and `/session`, a provider whose sessions take updates. It refuses metadata while
 * a session lives, as Auth0 does, and does what a test asks for: `behave(call)` gives a status, `'drop'`, or nothing.
 */
import { createServer } from 'node:https';

import { certificate } from '../emulator/drivers.mjs';

const PAGE = '<!doctype html><meta charset="utf-8"><title>Shop</title><script type="module" src="/page.js"></script>';

export async function startSite(script) {
  const site = { script, calls: [], session: undefined, behave: undefined, running: 0, overlaps: 0, expires_in: 3_600, minted: 0 };
  const server = createServer(certificate(), async (request, response) => {
    const path = new URL(request.url, 'https://shop.test').pathname;
    if (path === '/page.js') return response.writeHead(200, { 'content-type': 'text/javascript' }).end(site.script);
    if (path !== '/session') return response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE);
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = chunks.length ? JSON.parse(Buffer.concat(chunks)) : undefined;
    const call = { method: request.method, body, at: Date.now() };
    site.calls.push(call);
    site.overlaps += site.running;
    if (call.method !== 'PUT') site.running += 1;
    const asked = await site.behave?.(call);
    if (call.method !== 'PUT') site.running -= 1;
    if (asked === 'drop') return request.socket.destroy();
    const [status, answer] = asked ? [asked, { error: `http_${asked}` }] : answerTo(site, call);
    return response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  await new Promise((resolve) => server.listen(0, 'localhost', resolve));
  const origin = `https://localhost:${server.address().port}`;
  const close = () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); });
  const reset = () => Object.assign(site, { calls: [], session: undefined, behave: undefined, running: 0, overlaps: 0, expires_in: 3_600, minted: 0 });
  return Object.assign(site, { origin, close, reset });
}

function answerTo(site, { method, body }) {
  const expiresAt = Math.floor(Date.now() / 1000) + site.expires_in;
  if (method === 'DELETE') {
    site.session = undefined;
    return [200, {}];
  }
  if (method === 'PUT') return [200, { accessToken: `token-${site.minted += 1}`, expiresAt }];
  if (method === 'POST') {
    if (site.session) return [400, { error: 'invalid_request' }];
    site.session = { ...body };
    return [201, { expiresAt }];
  }
  if (!site.session) return [401, { error: 'session_expired' }];
  site.session = Object.fromEntries(Object.entries({ ...site.session, ...body }).filter(([, value]) => value !== null));
  return [200, { expiresAt }];
}
