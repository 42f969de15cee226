import assert from 'node:assert/strict';
import { test } from 'node:test';

import { liveView, spokenValue, startObstacle } from '../../web/static/js/live_view.js';
import { newRoom } from '../../web/static/js/room_model.js';
import { estimate, reading } from './estimates.js';

const CANDIDATE = { id: 'c', role: 'candidate', name: 'C', presence: 'present', publishing: true };

const room = (newest, fields = {}) => ({
    ...newRoom(),
    analysis: { on: true, allowed: true, session_id: 's1' },
    participants: [CANDIDATE],
    link: { state: 'open' },
    worker: 'ready',
    estimates: newest === null ? [] : [newest],
    received_s: newest === null ? null : 10,
    ...fields,
});

const unknown = (face, voice) =>
    estimate(5, null, { face: reading(null, { reason: face }), voice: reading(null, { reason: voice }) });

test('a fresh estimate is a value', () => {
    const view = liveView(room(estimate(5, 0.42)), 11);
    assert.deepEqual([view.kind, view.value, view.detail], ['value', 0.42, '']);
});

test('after two seconds without an estimate it is not live any more', () => {
    assert.equal(liveView(room(estimate(5, 0.42)), 12).kind, 'value');
    const view = liveView(room(estimate(5, 0.42)), 15.2);
    assert.equal(view.kind, 'stale');
    assert.match(view.detail, /5 s ago/);
});

test('stale says why: the page’s own connection first, then the analysis, then the candidate', () => {
    const why = (fields) => liveView(room(estimate(5, 0.4), fields), 20).detail;
    assert.match(why({ link: { state: 'reconnecting', isRestart: false }, worker: 'restarting' }), /This page has lost/);
    assert.match(why({ worker: 'restarting' }), /analysis is restarting/);
    assert.match(why({ worker: 'failed' }), /has failed/);
    assert.match(why({ participants: [{ ...CANDIDATE, presence: 'interrupted' }] }), /connection is interrupted/);
    assert.match(why({ participants: [{ ...CANDIDATE, presence: 'absent' }] }), /has left/);
});

test('unknown is no number, and says what is missing', () => {
    const view = liveView(room(unknown('no_face', 'silence')), 10);
    assert.deepEqual([view.kind, view.value, view.detail], ['unknown', null, 'No face in view, no speech.']);
});

test('calibrating without a value, provisional with one', () => {
    assert.equal(liveView(room(unknown('no_face', 'calibrating')), 10).kind, 'calibrating');
    const early = estimate(5, 0.5, { voice: reading(0.4, { reason: 'calibrating' }) });
    const view = liveView(room(early), 10);
    assert.deepEqual([view.kind, view.value], ['provisional', 0.5]);
    assert.match(view.detail, /learning the usual voice/);
});

test('starting before the first estimate, off without analysis', () => {
    assert.equal(liveView(room(null), 10).kind, 'starting');
    assert.match(liveView(room(null, { worker: 'failed' }), 10).detail, /failed/);
    assert.equal(liveView(room(null, { analysis: { on: false } }), 10).kind, 'off');
    const stopped = room(estimate(5, 0.4), { analysis: { on: false } });
    assert.match(liveView(stopped, 10).detail, /kept/);
});

test('a screen reader hears the value with band and direction, or why there is none', () => {
    const rising = estimate(5, 0.7, { trajectory: 'ascending' });
    assert.equal(spokenValue(liveView(room(rising), 10)), '0.70, high, rising');
    assert.equal(
        spokenValue(liveView(room(unknown('dark', 'noise')), 10)),
        'Unknown. Picture too dark, too much noise.',
    );
});

test('the start button says what stands in the way, in the order to mend it', () => {
    const off = (fields) => room(null, { analysis: { on: false, allowed: true }, ...fields });
    assert.match(startObstacle(off(), false), /operator/);
    assert.match(startObstacle(off({ participants: [] }), true), /not here/);
    assert.match(startObstacle(off({ participants: [{ ...CANDIDATE, presence: 'waiting' }] }), true), /waiting room/);
    const refused = off({ analysis: { on: false, allowed: false, reason: 'no consent to analysis' } });
    assert.equal(startObstacle(refused, true), 'No consent to analysis.');
    assert.equal(startObstacle(off(), true), null);
});
