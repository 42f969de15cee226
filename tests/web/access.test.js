import assert from 'node:assert/strict';
import { test } from 'node:test';

import { accessTo, shared } from '../../web/static/js/access.js';
import { Refused } from '../../web/static/js/socket.js';

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

const roomAccess = (status, reload = () => false) => {
    globalThis.fetch = async () => ({ ok: false, status });
    return accessTo({ url: '/api/interviews/i/access', csrf: 'c', reload })();
};

test('a refusal says why there is no access', async () => {
    for (const [status, reason] of [
        [401, 'expired'],
        [403, 'refused'],
        [404, 'refused'],
        [410, 'ended'],
    ]) {
        await assert.rejects(roomAccess(status), (error) => error instanceof Refused && error.reason === reason);
    }
});

test('a page that is out of date is loaded again and refuses nothing meanwhile', async () => {
    await assert.rejects(
        roomAccess(403, () => true),
        (error) => !(error instanceof Refused),
    );
});
