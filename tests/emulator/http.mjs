/** Small things about requests that every route needs. */
import { jwtVerify } from 'jose';

const BODY_BYTES = 1_048_576;

/** An answer in the management API's form of an error. */
export class Refused extends Error {
  constructor(statusCode, error, message, fields = {}) {
    super(message);
    Object.assign(this, { statusCode, error, fields });
  }
}

export function problem(ctx, error) {
  if (!(error instanceof Refused)) throw error;
  ctx.status = error.statusCode;
  ctx.body = { statusCode: error.statusCode, error: error.error, message: error.message, ...error.fields };
}

export async function readBody(ctx) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of ctx.req) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES) throw new Refused(413, 'Payload Too Large', 'the body is too large');
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString();
  if (ctx.is('application/x-www-form-urlencoded')) return Object.fromEntries(new URLSearchParams(text));
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    throw new Refused(400, 'Bad Request', 'the body is not JSON');
  }
}

/** Runs a route of the management API for the bearer of a token with its audience and scope. */
export function authorized(tenant, scope, run) {
  return async (ctx, ...parts) => {
    const [, token] = /^Bearer (.+)$/i.exec(ctx.get('authorization')) ?? [];
    if (!token) throw new Refused(401, 'Unauthorized', 'Missing authentication');
    const audience = `${tenant.url}/api/v2/`;
    const verified = await jwtVerify(token, tenant.key.publicKey, { audience, issuer: tenant.url }).catch(() => null);
    if (!verified) throw new Refused(401, 'Unauthorized', 'Invalid token');
    const granted = (verified.payload.scope ?? '').split(' ');
    if (!granted.includes(scope)) {
      throw new Refused(403, 'Forbidden', `Insufficient scope, expected any of: ${scope}`, { errorCode: 'insufficient_scope' });
    }
    return run(ctx, ...parts);
  };
}

/** The person that an ID token of this client names. */
export async function personOf(tenant, token, client) {
  const verified = await jwtVerify(token, tenant.key.publicKey, { audience: client, issuer: tenant.url }).catch(() => null);
  if (!verified) throw new Refused(401, 'Unauthorized', 'Invalid token');
  return verified.payload.sub;
}
