/** Every rule of the browser client, in Chromium. */
import { after, before, test } from 'node:test';

import { device } from './device.mjs';
import { logins } from './logins.mjs';
import { tokens } from './tokens.mjs';
import { updates } from './updates.mjs';
import { World } from './world.mjs';

let world;
before(async () => { world = await World.start(); });
after(() => world.stop());

for (const [name, run] of [...updates, ...device, ...logins, ...tokens]) test(name, () => world.play(run));
