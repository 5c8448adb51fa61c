/** Debian's Chromium, with a profile of its own for every visitor, and the client bundled as a shop's page would bundle it. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';
import { chromium } from 'playwright-core';

const CLIENT = fileURLToPath(new URL('../../server/web/src/', import.meta.url));
const MODULES = fileURLToPath(new URL('../node_modules', import.meta.url));
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
}

/** A page's script with the client that it imports; `change(text, file)` may plant a fault in the client. */
export async function bundle(script, change = (text) => text) {
  const source = {
    name: 'client',
    setup: ({ onResolve, onLoad }) => {
      onResolve({ filter: /^@handover\/anonymous-session$/ }, () => ({ path: `${CLIENT}index.ts` }));
      onResolve({ filter: /^\.\/(draft|store|transport)\.js$/ }, ({ path }) => ({ path: CLIENT + path.slice(2).replace(/js$/, 'ts') }));
      onLoad({ filter: /web\/src\/\w+\.ts$/ }, async ({ path }) => ({ contents: change(await readFile(path, 'utf8'), path.slice(CLIENT.length)), loader: 'ts' }));
    },
  };
  const { outputFiles } = await build({ entryPoints: [fileURLToPath(new URL(script, import.meta.url))], nodePaths: [MODULES], bundle: true, format: 'esm', target: 'es2022', write: false, plugins: [source] });
  return outputFiles[0].text;
}
