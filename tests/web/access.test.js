import assert from 'node:assert/strict';
import { test } from 'node:test';

import { shared } from '../../web/static/js/access.js';

test('those who ask together get one answer, those who come later a fresh one', async () => {
    let now_ms = 0;
    let n = 0;
    const ask = shared(async () => (n += 1), { now_ms: () => now_ms });
    assert.deepEqual(await Promise.all([ask(), ask()]), [1, 1]);
    now_ms = 1999;
    assert.equal(await ask(), 1);
    now_ms = 2001;
    assert.equal(await ask(), 2);
});

test('a failure is not kept', async () => {
    let n = 0;
    const ask = shared(async () => {
        n += 1;
        if (n === 1) throw new TypeError('offline');
        return n;
    }, { now_ms: () => 0 });
    await assert.rejects(ask());
    assert.equal(await ask(), 2);
});
