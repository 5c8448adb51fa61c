/** What an identity engineer deploys: by the provider's own tool, into a tenant, and a login goes through it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { root, text } from './drivers.mjs';
import { ROOTS, SECRET, Way, codes } from './way.mjs';

const ACTION = text('../../server/auth0/handover.action.js');

let way;
before(async () => { way = await Way.start(ACTION); });
after(() => way.stop());

/** `a0deploy import` of our folder. */
async function importFolder(mappings) {
  const { domain, tools } = way.tenant;
  const environment = {
    AUTH0_DOMAIN: domain, AUTH0_CLIENT_ID: tools.client_id, AUTH0_CLIENT_SECRET: tools.client_secret,
    AUTH0_INCLUDED_ONLY: '["actions","triggers"]', AUTH0_KEYWORD_REPLACE_MAPPINGS: JSON.stringify(mappings),
  };
  const tool = fileURLToPath(new URL('../node_modules/auth0-deploy-cli/lib/index.js', import.meta.url));
  const arguments_ = [tool, 'import', '--input_file', `${root}server/auth0/tenant`];
  return promisify(execFile)(process.execPath, arguments_, { env: { ...process.env, ...environment } });
}

test('a secret that was left out of the mappings is a mistake that is said, and no call', async () => {
  await importFolder({ HANDOVER_URL: way.receiver.url, HANDOVER_SECRET: SECRET, HANDOVER_MODE: 'apply' });
  const login = await way.login();
  assert.deepEqual([codes(login), login.calls.length, login.writes], [['config_roots'], 0, 0]);
});

test('a0deploy deploys our folder again, and a login goes through it', async () => {
  await importFolder({ HANDOVER_URL: way.handover.url, HANDOVER_SECRET: SECRET, HANDOVER_ROOTS: ROOTS, HANDOVER_MODE: 'apply' });
  const [{ id }] = (await way.tenant.management.actions.list()).data;
  const action = await way.tenant.management.actions.get(id);
  assert.deepEqual([action.name, action.code, action.runtime, action.all_changes_deployed], ['Handover', ACTION, 'node22', true]);
  const login = await way.login();
  assert.deepEqual([codes(login), login.writes, login.after.user_metadata.preferences], [['transferred'], 1, { theme: 'dark' }]);
});

test('the folder and the Terraform module deploy the same Action', () => {
  assert.equal(text('../../server/auth0/tenant/actions/Handover/code.js'), ACTION);
  const { secrets } = JSON.parse(text('../../server/auth0/tenant/actions/Handover.json'));
  const module = text('../../server/auth0/main.tf');
  for (const { name, value } of secrets) {
    assert.equal(value, `##${name}##`);
    assert.match(module, new RegExp(`name  = "${name}"\\n    value = var\\.${name.toLowerCase()}\\n`));
  }
  assert.match(module, /file\("\$\{path\.module\}\/handover\.action\.js"\)/);
});

test('the Action is one small file without a dependency', () => {
  assert.ok(Buffer.byteLength(ACTION) <= 16_000, `${Buffer.byteLength(ACTION)} bytes`);
  const modules = [...ACTION.matchAll(/require\('([^']+)'\)/g)].map(([, name]) => name);
  assert.deepEqual(modules, ['node:crypto']);
  assert.doesNotMatch(ACTION, /access\.deny|\bimport\b|##|@@/);
  assert.deepEqual([...ACTION.matchAll(/exports\.(\w+)/g)].map(([, name]) => name), ['onExecutePostLogin']);
});

test('the page for engineers names every code, every secret and the line of `handover check`', async () => {
  const page = text('../../server/auth0/README.md');
  const stops = [...ACTION.matchAll(/new Stop\('(\w+)'\)/g)].map(([, code]) => code);
  const secrets = [...ACTION.matchAll(/secrets\.(HANDOVER_\w+)/g)].map(([, name]) => name);
  for (const word of [...stops, ...secrets, 'failed', 'redirected', 'observed_']) assert.ok(page.includes(`\`${word}`), word);
  const printed = (await promisify(execFile)(process.env.HANDOVER_BINARY, ['check'], { cwd: root })).stdout;
  assert.ok(page.includes(`$ handover check\n${printed}`));
});
