import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createKeptMarks, MAX_UNDER_WAY } from '../../web/static/js/kept_marks.js';
import { memory } from './storage.js';

/** A page with a connection that may be dead without anybody's knowing. */
const page = (storage = memory()) => {
    const sent = [];
    let isOpen = true;
    let n = 0;
    const marks = createKeptMarks({
        send: (event) => isOpen && sent.push(event) > 0,
        storageKey: 'marks',
        newId: () => `id${(n += 1)}`,
        storage,
    });
    return { marks, sent, storage, become: (open) => (isOpen = open) };
};

const MOMENT = { type: 'marker', kind: 'moment', t_s: 5 };

test('a marker that was sent and not answered goes out again on the next connection, under the same id', () => {
    const { marks, sent } = page();
    marks.add(MOMENT);
    marks.take({ type: 'welcome' });
    assert.deepEqual(sent, [
        { ...MOMENT, client_id: 'id1' },
        { ...MOMENT, client_id: 'id1' },
    ]);
});

test('one that was answered, or is in the history, does not', () => {
    const { marks, sent, storage } = page();
    marks.add(MOMENT);
    marks.add(MOMENT);
    marks.take({ type: 'marker', id: 'id1', t_s: 5 });
    marks.take({ type: 'history', markers: [{ id: 'id2' }] });
    marks.take({ type: 'welcome' });
    assert.equal(sent.length, 2);
    assert.equal(storage.getItem('marks'), null);
});

test('without a connection it waits for one, also over a reload', () => {
    const { marks, sent, storage, become } = page();
    become(false);
    marks.add(MOMENT);
    assert.equal(sent.length, 0);
    const again = page(storage);
    again.marks.take({ type: 'welcome' });
    assert.deepEqual(again.sent, [{ ...MOMENT, client_id: 'id1' }]);
});

test('one that the server will never take is given up, one that it takes later is not', () => {
    const { marks, sent } = page();
    marks.add(MOMENT);
    marks.add(MOMENT);
    marks.take({ type: 'error', code: 'not_found', message: 'No such question.', client_id: 'id1' });
    marks.take({ type: 'error', code: 'too_many_requests', message: 'Slower.', client_id: 'id2' });
    marks.take({ type: 'error', code: 'bad_request', message: 'Something else.' });
    marks.take({ type: 'welcome' });
    assert.deepEqual(
        sent.map(({ client_id }) => client_id),
        ['id1', 'id2', 'id2'],
    );
});

test('many go out a few at a time', () => {
    const { marks, sent, become } = page();
    become(false);
    for (let i = 0; i < MAX_UNDER_WAY + 3; i += 1) marks.add(MOMENT);
    become(true);
    marks.take({ type: 'welcome' });
    assert.equal(sent.length, MAX_UNDER_WAY);
    for (const { client_id } of [...sent]) marks.take({ type: 'marker', id: client_id });
    assert.equal(sent.length, MAX_UNDER_WAY + 3);
    assert.equal(new Set(sent.map(({ client_id }) => client_id)).size, sent.length);
});
