import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { failureWords, getAccess, storeConsents } from '../../web/static/js/join_api.js';
import { Refused } from '../../web/static/js/socket.js';

let reloads = [];
const reload = (why) => reloads.push(why) === 1;

const answers = (status, body) => {
    globalThis.fetch = async () => ({ ok: status === 200, status, json: async () => body });
};

beforeEach(() => {
    reloads = [];
    globalThis.document = { querySelector: () => null };
});

test('a page that is out of date is loaded again; if that does not help, the link is refused', async () => {
    answers(403, { message: 'This page is out of date.' });
    await assert.rejects(getAccess('t', reload), (error) => !(error instanceof Refused));
    await assert.rejects(getAccess('t', reload), Refused);
    assert.deepEqual(reloads, ['access', 'access']);
});

test('a link that is void is refused at once', async () => {
    for (const status of [401, 404, 410]) {
        answers(status, { message: 'No.' });
        await assert.rejects(getAccess('t', reload), Refused);
    }
    assert.deepEqual(reloads, []);
});

test('what the server says is told, and what to say when it is silent', async () => {
    answers(409, { message: 'The text has changed.' });
    const refusal = await storeConsents('t', []).catch((error) => error);
    assert.equal(failureWords(refusal, 'Silence.'), 'The text has changed.');
    assert.equal(failureWords(new TypeError('network'), 'Silence.'), 'Silence.');
});
