/** Actions: as much of `/api/v2/actions` as the provider's own tools call, and the deployed text's runtime. */
import { randomUUID } from 'node:crypto';

import { readBody, Refused } from './http.mjs';
import { Cache, compile } from './runtime.mjs';

const TRIGGER = { id: 'post-login', version: 'v3', status: 'CURRENT', runtimes: ['node22'], default_runtime: 'node22', compatible_triggers: [] };

export class Actions {
  #actions = new Map();
  #bindings = [];

  constructor() {
    this.cache = new Cache();
  }

  /** What runs at a login, in order: name, function and secrets. */
  bound() {
    return this.#bindings.map(({ action }) => this.#actions.get(action.id)?.deployed).filter(Boolean);
  }

  list() {
    return [...this.#actions.values()].map(shown);
  }

  get(id) {
    const action = this.#actions.get(id);
    if (!action) throw new Refused(404, 'Not Found', 'That action does not exist.');
    return action;
  }

  create(body) {
    if (this.list().some((action) => action.name === body.name)) throw new Refused(409, 'Conflict', 'An action of that name exists.');
    const now = new Date().toISOString();
    const action = { id: randomUUID(), code: '', dependencies: [], secrets: [], runtime: 'node22', ...body, created_at: now, status: 'built' };
    this.#actions.set(action.id, action);
    return shown(action);
  }

  update(id, body) {
    return shown(Object.assign(this.get(id), body, { updated_at: new Date().toISOString() }));
  }

  delete(id) {
    this.#actions.delete(id);
    this.#bindings = this.#bindings.filter(({ action }) => action.id !== id);
  }

  deploy(id) {
    const action = this.get(id);
    const { name, code, dependencies, runtime } = action;
    if (runtime !== 'node22') throw new Refused(400, 'Bad Request', `runtime ${runtime} is not known here`);
    const secrets = Object.fromEntries(action.secrets.map((secret) => [secret.name, secret.value]));
    action.deployed = { name, secrets, run: compile(code, dependencies.map((dependency) => dependency.name)) };
    return { id: randomUUID(), code, dependencies, runtime, deployed: true, status: 'built', number: 1, action: shown(action) };
  }

  bindings() {
    return this.#bindings;
  }

  bind(refs) {
    const byRef = ({ type, value }) => this.list().find((action) => (type === 'action_id' ? action.id : action.name) === value);
    this.#bindings = refs.map(({ ref, display_name }) => {
      const action = byRef(ref);
      if (!action?.deployed_version) throw new Refused(400, 'Bad Request', `no deployed action ${ref.value}`);
      return { id: randomUUID(), trigger_id: TRIGGER.id, display_name, action };
    });
    return this.#bindings;
  }
}

/** Secrets are written, never read back. */
function shown({ deployed, secrets, ...action }) {
  return {
    ...action,
    secrets: secrets.map(({ name }) => ({ name })),
    all_changes_deployed: deployed !== undefined,
    ...(deployed && { deployed_version: { deployed: true, status: 'built', code: action.code, runtime: action.runtime } }),
  };
}

export function actionRoutes({ actions }) {
  const page = (name, items) => ({ [name]: items, total: items.length, page: 0, per_page: 100 });
  const one = /^\/api\/v2\/actions\/actions\/([^/]+)$/;
  const bindings = /^\/api\/v2\/actions\/triggers\/post-login\/bindings$/;
  return [
    ['GET', /^\/api\/v2\/actions\/actions$/, () => page('actions', actions.list()), 'read:actions'],
    ['POST', /^\/api\/v2\/actions\/actions$/, async (ctx) => { const action = actions.create(await readBody(ctx)); ctx.status = 201; return action; }, 'create:actions'],
    ['GET', one, (_, id) => shown(actions.get(id)), 'read:actions'],
    ['PATCH', one, async (ctx, id) => actions.update(id, await readBody(ctx)), 'update:actions'],
    ['DELETE', one, (ctx, id) => { actions.delete(id); ctx.status = 204; }, 'delete:actions'],
    ['POST', /^\/api\/v2\/actions\/actions\/([^/]+)\/deploy$/, (_, id) => actions.deploy(id), 'update:actions'],
    ['GET', /^\/api\/v2\/actions\/modules$/, () => page('modules', []), 'read:actions'],
    ['GET', /^\/api\/v2\/actions\/triggers$/, () => ({ triggers: [TRIGGER] }), 'read:actions'],
    ['GET', bindings, () => page('bindings', actions.bindings()), 'read:actions'],
    ['PATCH', bindings, async (ctx) => page('bindings', actions.bind((await readBody(ctx)).bindings)), 'update:actions'],
  ];
}
