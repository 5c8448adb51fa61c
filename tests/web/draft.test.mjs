/** Every rule of the browser client, in Chromium. */
import { after, before, test } from 'node:test';

import { logins } from './logins.mjs';
import { updates } from './updates.mjs';
import { World } from './world.mjs';

let world;
before(async () => { world = await World.start(); });
after(() => world.stop());

for (const [name, run] of [...updates, ...logins]) test(name, () => world.play(run));
