import assert from 'node:assert/strict';
import { test } from 'node:test';

import { reloadOnce } from '../../web/static/js/reload.js';
import { memory } from './storage.js';

test('a page is loaded again once for each reason, and once more only after a while', () => {
    let n = 0;
    let now_ms = 1e12;
    const how = { storage: memory(), now_ms: () => now_ms, reload: () => (n += 1) };
    assert.deepEqual([reloadOnce('access', how), reloadOnce('access', how), n], [true, false, 1]);
    assert.equal(reloadOnce('consent', how), true);
    now_ms += 60_000;
    assert.deepEqual([reloadOnce('access', how), n], [true, 3]);
});
