/**
 * A tenant of the identity provider, for tests: OIDC is oidc-provider, unmodified; what is the provider's own (anonymous
 * sessions, the login page that runs Actions, the parts of the management API that its own tools call) is here.
 */
import { createServer } from 'node:https';

import { anonymousRoutes, cors, Sessions } from './anonymous.mjs';
import { actionRoutes, Actions } from './actions.mjs';
import { Faults } from './faults.mjs';
import { loginRoutes, Logins } from './login.mjs';
import { createProvider, signingKey } from './oidc.mjs';
import { authorized, problem, readBody } from './http.mjs';
import { userRoutes, Users } from './users.mjs';

/**
 * Starts a tenant on a port of localhost, a free one by default.
 *
 * `clients(origin)` are oidc-provider's client metadata, `claims` the custom claims that ID tokens may carry,
 * `certificate` is `{ key, cert }` in PEM, `pages(tenant)` the routes of whoever shares the tenant's host.
 */
export async function start({ certificate, clients: clientsOf, claims = [], name = 'tenant', port = 0, pages = () => [] }) {
  let handle = (_, response) => response.writeHead(503).end();
  const server = createServer(certificate, (request, response) => handle(request, response));
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, 'localhost', resolve));
  const domain = `localhost:${server.address().port}`;
  const clients = clientsOf(`https://${domain}`);

  const tenant = { name, domain, url: `https://${domain}`, key: await signingKey(), logs: [], requests: [], claims };
  tenant.allows = (origin) => clients.some(({ web_origins }) => web_origins?.includes(origin));
  tenant.faults = new Faults();
  tenant.users = new Users(tenant);
  tenant.sessions = new Sessions(tenant);
  tenant.actions = new Actions(tenant);
  tenant.logins = new Logins(tenant);
  tenant.provider = createProvider(tenant, clients);

  const own = [
    ...pages(tenant), ...emulatorRoutes(tenant), ...anonymousRoutes(tenant), ...loginRoutes(tenant),
    ...[...actionRoutes(tenant), ...userRoutes(tenant)].map(([method, path, run, scope]) => [method, path, authorized(tenant, scope, run)]),
  ];
  tenant.provider.use(async (ctx, next) => {
    ctx.compress = false;
    tenant.requests.push({ method: ctx.method, path: ctx.path });
    if (ctx.path.startsWith('/anonymous/') && cors(tenant, ctx)) return;
    if (await tenant.faults.strike(ctx)) return;
    // the provider says `returnTo` where OpenID Connect says `post_logout_redirect_uri`
    if (ctx.path === '/v2/logout' && ctx.query.returnTo) ctx.query = { ...ctx.query, post_logout_redirect_uri: ctx.query.returnTo };
    await route(own, ctx, next);
  });
  handle = tenant.provider.callback();
  return { ...tenant, close: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }) };
}

async function route(routes, ctx, next) {
  for (const [method, path, run] of routes) {
    const match = method === ctx.method && path.exec(ctx.path);
    if (!match) continue;
    try {
      ctx.body = await run(ctx, ...match.slice(1).map(decodeURIComponent)) ?? ctx.body;
    } catch (error) {
      problem(ctx, error);
    }
    return;
  }
  await next();
}

/** What tests may see and break; a real tenant has none of it. */
function emulatorRoutes(tenant) {
  return [
    ['PUT', /^\/_emulator\/faults$/, async (ctx) => { tenant.faults.set(await readBody(ctx)); return {}; }],
    ['GET', /^\/_emulator\/users$/, () => tenant.users.all()],
    ['GET', /^\/_emulator\/logs$/, () => tenant.logs],
    ['GET', /^\/_emulator\/requests$/, () => tenant.requests],
  ];
}
