import assert from 'node:assert/strict';
import { test } from 'node:test';

import { drainWords, rowsOf, summaryOf } from '../../web/static/js/connection_words.js';

const good = {
    quality: /** @type {const} */ ('good'),
    rtt_s: 0.0314,
    audio: { bits_per_s: 32000, loss_share: 0 },
    video: { bits_per_s: 1_430_000, loss_share: 0.002 },
};

/** @param {Partial<import('../../web/static/js/connection_words.js').ConnectionReport>} changes */
const people = (changes = {}, sending = good) => [
    {
        id: 'c',
        role: /** @type {const} */ ('candidate'),
        name: 'Cleo',
        connection: sending,
        viewers: [
            { id: 'me', name: 'Olga', ...good, is_limited: false, is_paused: false, ...changes },
            { id: 'other', name: 'Otto', ...good },
        ],
    },
    { id: 'me', role: /** @type {const} */ ('interviewer'), name: 'Olga', connection: good, viewers: [] },
    { id: 'other', role: /** @type {const} */ ('interviewer'), name: 'Otto', connection: null, viewers: [] },
];

test('each connection has its line, in words of this page', () => {
    const rows = rowsOf(people(), 'me');
    assert.deepEqual(
        rows.map((row) => row.who),
        ['Cleo sends', 'You receive', 'Otto receives', 'You send'],
    );
    const { state, rtt, loss, rate } = rows[0];
    assert.deepEqual({ state, rtt, loss, rate }, { state: 'good', rtt: '31 ms', loss: '< 1 %', rate: '1.4 Mbit/s' });
});

test('the line tells the worse of both ways and whose it is', () => {
    assert.deepEqual(summaryOf(rowsOf(people(), 'me'), 'me'), { quality: 'good', text: 'good · 31 ms · < 1 % lost' });
    const slow = rowsOf(people({ quality: 'unstable', rtt_s: 0.4 }), 'me');
    assert.equal(summaryOf(slow, 'me')?.text, 'unstable (You receive) · 400 ms · < 1 % lost');
    const lossy = { ...good, quality: /** @type {any} */ ('poor'), video: { bits_per_s: 1, loss_share: 0.2 } };
    assert.equal(summaryOf(rowsOf(people({}, lossy), 'me'), 'me')?.text, 'poor (Cleo sends) · 31 ms · 20 % lost');
});

test('others do not colour the line of this page', () => {
    const rows = rowsOf(people({}), 'other');
    assert.equal(summaryOf(rows.map((row) => (row.key === 'view-me' ? { ...row, quality: 'poor' } : row)), 'other')?.quality, 'good');
});

test('a slow viewer is told what that means', () => {
    assert.equal(rowsOf(people({ quality: 'unstable', is_limited: true }), 'me')[1].state, 'unstable, video reduced');
    assert.equal(
        rowsOf(people({ quality: 'poor', is_limited: true, is_paused: true }), 'me')[1].state,
        'poor, too slow for video',
    );
});

test('nothing is said of connections that are not there or not measured', () => {
    assert.equal(summaryOf(rowsOf([], 'me'), 'me'), null);
    const fresh = { quality: /** @type {any} */ ('connecting'), rtt_s: null };
    assert.equal(summaryOf(rowsOf(people({ ...fresh, audio: undefined, video: undefined }), 'me'), 'me')?.text, 'connecting (You receive)');
});

test('a restart is announced with its time, and not in normal times', () => {
    const timeOf = () => '14:30';
    assert.equal(drainWords(undefined, true, timeOf), '');
    assert.equal(drainWords({ draining: false, until: null }, true, timeOf), '');
    const server = { draining: true, until: '2026-11-20T14:30:00+00:00' };
    assert.match(drainWords(server, true, timeOf), /at 14:30 at the latest\. This call goes on/);
    assert.match(drainWords(server, false, timeOf), /Nobody can be admitted/);
});
