/** The package as a site would install it: its size, its types beside those of the provider's SDK, and its import on a server. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { build } from 'esbuild';

const PACKAGE = fileURLToPath(new URL('../../server/web', import.meta.url));
const MODULES = fileURLToPath(new URL('../node_modules', import.meta.url));
const BYTES_MAX = 2_048;

let site;
const run = (command, ...args) => execFileSync(command, args, { cwd: site, encoding: 'utf8', env: { ...process.env, PATH: `${MODULES}/.bin:${process.env.PATH}` } });

before(() => {
  site = mkdtempSync(join(tmpdir(), 'handover-site-'));
  writeFileSync(join(site, 'package.json'), '{ "type": "module", "private": true }');
  const [{ filename }] = JSON.parse(run('npm', 'pack', PACKAGE, '--json', '--silent'));
  run('npm', 'install', '--offline', '--silent', '--no-audit', '--no-fund', filename);
});
after(() => rmSync(site, { recursive: true }));

test('the package holds the client, its types and its page, and needs nothing', () => {
  const folder = join(site, 'node_modules/@handover/anonymous-session');
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json')));
  assert.deepEqual(run('find', folder, '-type', 'f', '-printf', '%P\n').trim().split('\n').sort(), ['LICENSE', 'README.md', 'package.json',
    ...['draft', 'index', 'store', 'transport'].flatMap((name) => [`dist/${name}.d.ts`, `dist/${name}.js`])].sort());
  assert.equal(dependencies, undefined);
});

test('2 kB, minified and gzipped', async (context) => {
  const { outputFiles } = await build({ stdin: { contents: "export * from '@handover/anonymous-session'", resolveDir: site }, bundle: true, minify: true, format: 'esm', target: 'es2022', write: false });
  const bytes = gzipSync(outputFiles[0].contents, { level: 9 }).length;
  context.diagnostic(`${bytes} bytes`);
  assert.ok(bytes <= BYTES_MAX, `${bytes} bytes`);
});

test('a server may import it, and make a draft in memory', () => {
  const script = `
    import { AnonymousDraft } from '@handover/anonymous-session';
    const draft = new AnonymousDraft({ transport: { create: async () => {}, logout: async () => {} }, storage: undefined });
    draft.set('cart', { items: [1] });
    console.log(JSON.stringify([draft.all(), await draft.prepareLogin()]));
    draft.close();`;
  assert.deepEqual(JSON.parse(run('node', '--input-type=module', '--eval', script)), [{ cart: { items: [1] } }, { left: [] }]);
});

test('its types fit those of the SDK, and refuse mistakes', () => {
  const check = (code) => {
    writeFileSync(join(site, 'shop.ts'), `import { Auth0Client } from '@auth0/auth0-spa-js';
      import { AnonymousDraft, auth0, type Transport } from '@handover/anonymous-session';
      const client = new Auth0Client({ domain: 'd', clientId: 'c' });
      const draft = new AnonymousDraft({ transport: auth0(client), onError: console.warn });
      ${code}`);
    const paths = JSON.stringify({ '@auth0/*': [`${MODULES}/@auth0/*`] });
    writeFileSync(join(site, 'tsconfig.json'), `{ "compilerOptions": { "strict": true, "exactOptionalPropertyTypes": true, "noEmit": true, "target": "es2022", "module": "esnext", "moduleResolution": "bundler", "lib": ["es2023", "dom"], "types": [], "skipLibCheck": true, "paths": ${paths} }, "files": ["shop.ts"] }`);
    try {
      run('tsc', '--project', '.');
      return 'fits';
    } catch ({ stdout }) {
      return stdout;
    }
  };
  assert.equal(check(`
    draft.set('cart', { items: [] });
    const cart: { items: string[] } | undefined = draft.get<{ items: string[] }>('cart');
    const left: Promise<{ left: string[] }> = draft.prepareLogin(['cart']);
    const token: Promise<string> = draft.getToken('https://api.example.com');
    client.getIdTokenClaims().then((claims) => draft.finishLogin(claims?.['urn:handover:status']));
    const own: Transport = { create: async (metadata) => void metadata, logout: async () => {} };
    new AnonymousDraft({ transport: own, storage: sessionStorage });`), 'fits');
  assert.match(check('new AnonymousDraft({});'), /'transport' is missing/);
  assert.match(check("draft.prepareLogin('cart');"), /not assignable/);
  assert.match(check('auth0({});'), /'anonymous' is missing/);
});
