/**
 * What stands where the Action calls: our own server, every call seen on its way; or whatever a test wants to answer
 * instead, since our server neither lies nor breaks when asked to. Its answers are signed by `standardwebhooks`.
 */
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';

import { Webhook } from 'standardwebhooks';

export async function startReceiver(first) {
  let target = first;
  const receiver = { calls: [], behave: undefined, aim: (url) => { target = url; } };
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const call = { headers: request.headers, body: Buffer.concat(chunks).toString(), path: request.url, at: Date.now() };
    receiver.calls.push(call);
    const forward = () => passOn(target, call);
    // whoever asked may be gone by now, and our server too
    const answer = await Promise.resolve((receiver.behave ?? forward)(call, forward, receiver.calls.length)).catch(() => 'drop');
    if (answer === 'drop') return request.socket.destroy();
    response.writeHead(answer.status ?? 200, answer.headers ?? {});
    if (answer.trickle) return void trickle(response, answer.trickle);
    return response.end(answer.body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  const close = () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); });
  return Object.assign(receiver, { url, close });
}

async function passOn(target, { headers, body }) {
  const names = ['content-type', 'webhook-id', 'webhook-timestamp', 'webhook-signature'];
  const own = Object.fromEntries(names.filter((name) => headers[name]).map((name) => [name, headers[name]]));
  const answer = await fetch(`${target}/v1/transfer`, { method: 'POST', headers: own, body });
  return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() };
}

/** Begins a body and never ends it. */
function trickle(response, text) {
  response.write(text);
  const timer = setInterval(() => response.write(' '), 50);
  response.on('close', () => clearInterval(timer));
}

/** An answer with a good signature: over `response` LF, id, time and body. */
export function signed(secret, id, body, { at = new Date(), signedId = `response\n${id}`, status = 200, sentId = id } = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const signature = new Webhook(secret).sign(signedId, at, text);
  const headers = { 'webhook-id': sentId, 'webhook-timestamp': `${Math.floor(at / 1000)}`, 'webhook-signature': signature };
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: text };
}

/** An answer with a good signature over any text as its time. */
export function signedAt(secret, id, body, at) {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const signature = createHmac('sha256', key).update(`response\n${id}.${at}.${body}`).digest('base64');
  return { headers: { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': `v1,${signature}` }, body };
}

/** A decision as the contract has it. */
export function decision(id, commands, more = {}) {
  return { id, status: 'transferred', reason: null, policy: { name: 'p', digest: 'sha256:0' }, commands, findings: [], findings_omitted: 0, ...more };
}
