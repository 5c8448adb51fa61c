/** OIDC, by oidc-provider; its own hooks tell us of silent logins and refreshes, where the provider runs Actions too. */
import { randomBytes } from 'node:crypto';

import { exportJWK, generateKeyPair } from 'jose';
import Provider, { errors } from 'oidc-provider';

/** Every scope of the management API that its own tools ask for. */
const API_SCOPES = ['create', 'read', 'update', 'delete'].flatMap((verb) => [`${verb}:users`, `${verb}:actions`]).join(' ');

export async function signingKey() {
  const pair = await generateKeyPair('RS256', { extractable: true });
  return { ...pair, jwk: { ...await exportJWK(pair.privateKey), alg: 'RS256', use: 'sig', kid: 'tenant' } };
}

export function createProvider(tenant, clients) {
  const { logins } = tenant;
  return new Provider(tenant.url, {
    clients,
    jwks: { keys: [tenant.key.jwk] },
    cookies: { keys: [randomBytes(24).toString('hex')] },
    routes: {
      authorization: '/authorize', token: '/oauth/token', jwks: '/.well-known/jwks.json', userinfo: '/userinfo',
      end_session: '/v2/logout', revocation: '/oauth/revoke',
    },
    interactions: { url: (_, { uid }) => `/u/login/${uid}` },
    scopes: ['openid', 'offline_access', 'profile', 'email'],
    claims: { openid: ['sub', ...tenant.claims], email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: false,
    ttl: { ClientCredentials: 86_400, AccessToken: 86_400, IdToken: 36_000, Interaction: 3_600, Session: 259_200, Grant: 259_200, RefreshToken: 259_200, AuthorizationCode: 60 },
    // the provider's "allowed web origins": pages that may call with a browser's cookies
    extraClientMetadata: { properties: ['web_origins'] },
    clientBasedCORS: (_, origin, client) => client.web_origins?.includes(origin) ?? false,
    extraParams: ['anon_transfer_token', 'audience', 'organization', 'connection', 'screen_hint'],
    pkce: { required: () => false },
    responseTypes: ['code'],
    // `offline_access` needs no consent here, as at the provider for its first-party clients
    issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      // the provider asks nobody whether they mean it
      rpInitiatedLogout: { logoutSource: (ctx, form) => { ctx.body = logoutPage(form); } },
      resourceIndicators: {
        enabled: true,
        // the provider says `audience` where RFC 8707 says `resource`
        defaultResource: (ctx) => ctx.oidc.body?.audience,
        useGrantedResource: () => true,
        getResourceServerInfo: ({ oidc }, audience) => {
          // a tool that asks for no scope gets all that its client was granted
          if (oidc.params.grant_type === 'client_credentials') oidc.params.scope ??= API_SCOPES;
          return { audience, scope: API_SCOPES, accessTokenFormat: 'jwt' };
        },
      },
    },
    findAccount: async (ctx, id, token) => {
      if (!tenant.users.get(id)) return undefined;
      if (token?.kind === 'RefreshToken') await denied(logins.refresh(ctx, id, token));
      return { accountId: id, claims: () => ({ sub: id, ...tenant.users.profile(id), ...logins.claims(token?.grantId) }) };
    },
    // first-party clients need no consent: every login gets a grant, and a login without a page runs the Actions here
    loadExistingGrant: async (ctx) => {
      const { client, session, params, entities } = ctx.oidc;
      if (!entities.Interaction && ctx.oidc.prompts.has('login')) return undefined;
      const claims = await denied(logins.finish(ctx, session.accountId, entities.Interaction?.uid));
      const grant = new tenant.provider.Grant({ accountId: session.accountId, clientId: client.clientId });
      grant.addOIDCScope(params.scope);
      logins.remember(await grant.save(), claims);
      return grant;
    },
  });
}

async function denied(run) {
  try {
    return await run;
  } catch (error) {
    throw new errors.AccessDenied(error.message);
  }
}

function logoutPage(form) {
  const asked = form.replace('</form>', '<input type="hidden" name="logout" value="yes"></form>');
  return `<!doctype html><meta charset="utf-8"><title>Log out</title>${asked}<script>document.forms[0].submit()</script>`;
}
