/** A whole way: a tenant with an Action, our server, and one login at a time, with all that it did. */
import { account, deploy, deployBehind, startTenant, Visitor } from '../emulator/drivers.mjs';
import { CLAIM, startHandover } from './drivers.mjs';
import { decision, signed, startReceiver } from './receiver.mjs';

export const SECRET = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
export const ROOTS = 'app_metadata.cart,app_metadata.recently_viewed,user_metadata.preferences';

export class Way {
  /** `origin` is that of a page whose visitors log in with a browser. */
  static async start(code, origin) {
    const way = new Way();
    way.code = code;
    way.tenant = await startTenant([CLAIM, 'urn:other:status'], origin);
    way.handover = await startHandover({ HANDOVER_SECRETS: SECRET });
    way.receiver = await startReceiver(way.handover.url);
    way.people = 0;
    return way;
  }

  async stop() {
    await this.receiver.close();
    await this.handover.stop();
    await this.tenant.close();
  }

  /** Deploys the Action with these secrets over the usual ones, in a tenant where nothing is broken. */
  async deploy(secrets = {}) {
    this.tenant.actions.cache.clear();
    this.receiver.behave = undefined;
    await this.tenant.fault({});
    const usual = { HANDOVER_URL: this.receiver.url, HANDOVER_SECRET: SECRET, HANDOVER_ROOTS: ROOTS, HANDOVER_DEADLINE_MS: '2500' };
    const given = Object.entries({ ...usual, ...secrets }).filter(([, value]) => value !== undefined);
    await deploy(this.tenant, this.code, Object.fromEntries(given));
  }

  /** Another Action that runs after ours, until it is removed. */
  behind(code) {
    return deployBehind(this.tenant, code);
  }

  /** The receiver answers with this decision's commands, well signed. */
  answer(commands, more) {
    this.receiver.behave = ({ headers }) => signed(SECRET, headers['webhook-id'], decision(headers['webhook-id'], commands, more));
  }

  visitor(clientId) {
    return new Visitor(this.tenant, clientId);
  }

  /** An address that nobody has yet. */
  stranger() {
    this.people += 1;
    return `person-${this.people}@people.test`;
  }

  /** An account that logged in before, made by the provider's own client. */
  async person(metadata = {}) {
    const email = this.stranger();
    const person = { email, password: 'Test123!', given_name: 'GIVEN', family_name: 'FAMILY', name: 'FULL-NAME', phone_number: '+4915112345678' };
    await this.tenant.management.users.create({ connection: 'Username-Password-Authentication', ...person, ...metadata });
    const { user_id } = await account(this.tenant, email);
    this.tenant.users.loggedIn(user_id);
    return email;
  }

  account(email) {
    return account(this.tenant, email);
  }

  /** One login with an anonymous session, and what it did to the account, the webhook, the logs and the profile's writes. */
  async login({ metadata = { preferences: { theme: 'dark' } }, before = {}, email, visitor = this.visitor(), enter = {} } = {}) {
    const who = email ?? await this.person(before);
    if (metadata) await visitor.shop(metadata);
    const ticket = metadata ? await visitor.ticket() : undefined;
    return this.during(who, () => visitor.login(who, { ticket, ...enter }));
  }

  async during(email, run) {
    const { logs, requests } = this.tenant;
    const [calls, lines, asked] = [this.receiver.calls.length, logs.length, requests.length];
    const before = await this.account(email);
    const start = Date.now();
    const claims = await run();
    const after = await this.account(email);
    return {
      email, claims, before, after, start, end: Date.now(),
      calls: this.receiver.calls.slice(calls),
      lines: logs.slice(lines).map(({ line }) => line),
      writes: requests.slice(asked).filter(({ method }) => method === 'WRITE').length,
    };
  }
}

/** The log's codes, without their times. */
export function codes({ lines }) {
  return lines.map((line) => /^handover ([a-z0-9_]+) \d+ms$/.exec(line)?.[1] ?? `not a log line of ours: ${line}`);
}

/** Both metadata objects without the receipt. */
export function data({ app_metadata: { handover, ...app_metadata } = {}, user_metadata = {} }) {
  return { app_metadata, user_metadata };
}

/** Both metadata objects. */
export function metadata({ app_metadata = {}, user_metadata = {} }) {
  return { app_metadata, user_metadata };
}
