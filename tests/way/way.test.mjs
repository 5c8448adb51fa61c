/** Every scenario, with the Action as it is deployed. */
import { after, before, test } from 'node:test';

import { text } from './drivers.mjs';
import { failures } from './failures.mjs';
import { refusals } from './refusals.mjs';
import { settings } from './settings.mjs';
import { transfers } from './transfers.mjs';
import { Way } from './way.mjs';

let way;
before(async () => { way = await Way.start(text('../../server/auth0/handover.action.js')); });
after(() => way.stop());

for (const [name, run] of [...transfers, ...refusals, ...failures, ...settings]) {
  test(name, () => run(way));
}
