import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
    candidateOf,
    currentQuestion,
    newRoom,
    received,
    resumeFrom,
    sessionTimeS,
} from '../../web/static/js/room_model.js';
import { estimate, signal } from './estimates.js';

const person = (id, role, fields = {}) => ({
    id,
    role,
    name: id,
    presence: 'present',
    publishing: true,
    microphone: true,
    camera: true,
    ...fields,
});

const state = (analysis = { on: false }, participants = [person('c', 'candidate')]) => ({
    type: 'state',
    status: 'live',
    you: 'admitted',
    participants,
    analysis,
});

const history = (fields = {}) => ({
    type: 'history',
    session_id: 's1',
    estimates: [],
    markers: [],
    notes: [],
    questions: [],
    peaks: [],
    complete: true,
    ...fields,
});

const after = (...events) => events.reduce((room, event, i) => received(room, event, 100 + i), newRoom());

const ON = { on: true, allowed: true, session_id: 's1', t_s: 40, worker: 'ready' };

test('estimates are taken in, and the newest is where a reconnection resumes', () => {
    const room = after(state(ON), estimate(40, 0.4), estimate(41, 0.5));
    assert.deepEqual(resumeFrom(room), { since_s: 41, session_id: 's1' });
    assert.equal(room.received_s, 102);
    assert.equal(resumeFrom(newRoom()), null);
});

test('what was missed is added after a reconnection', () => {
    const room = after(
        state(ON),
        estimate(40, 0.4),
        history({ complete: false, estimates: [estimate(41, 0.5), estimate(42, 0.6)] }),
    );
    assert.deepEqual(
        room.estimates.map(({ t_s }) => t_s),
        [40, 41, 42],
    );
});

test('a complete history replaces what was there', () => {
    const room = after(state(ON), estimate(40, 0.4), history({ estimates: [estimate(39, 0.3)] }));
    assert.deepEqual(
        room.estimates.map(({ t_s }) => t_s),
        [39],
    );
});

test('an old value in a history does not look fresh', () => {
    const room = after(state({ ...ON, t_s: 60 }), history({ estimates: [estimate(40, 0.4), estimate(50, 0.5)] }));
    assert.equal(room.received_s, 90);
});

test('another session starts empty', () => {
    const peak = estimate(41, 0.5, { peak_t_s: 40 });
    const room = after(state(ON), estimate(40, 0.9), peak, state({ ...ON, session_id: 's2', t_s: 0 }));
    assert.equal(room.session_id, 's2');
    assert.deepEqual([room.estimates, room.peaks, room.received_s], [[], [], null]);
    const marked = after(state(ON), history({ markers: [{ id: 'm', t_s: 40 }] }), state({ ...ON, session_id: 's2' }));
    assert.deepEqual(marked.markers, [{ id: 'm', t_s: null }], 'kept, but its time was that of another session');
});

test('a confirmed peak has the stress of its own time and is listed once', () => {
    const confirmed = estimate(42, 0.5, { peak_t_s: 41 });
    const room = after(state(ON), estimate(41, 0.9), confirmed, confirmed);
    assert.deepEqual(room.peaks, [{ t_s: 41, stress: 0.9 }]);
});

test('the session clock goes on between the server’s news of it, and stops with the analysis', () => {
    const room = received(newRoom(), state(ON), 1000);
    assert.equal(sessionTimeS(room, 1003.5), 43.5);
    assert.equal(sessionTimeS(received(room, state(), 1004), 1005), null);
});

test('markers and notes come, change and go', () => {
    const marker = { type: 'marker', id: 'm1', t_s: 5, kind: 'moment', label: '', question_id: null, author: 'A' };
    const note = { type: 'note', id: 'n1', t_s: 7, text: 'x', author: 'A', mine: true };
    const room = after(marker, { ...marker, id: 'm0', t_s: 2 }, note, { ...note, text: 'y' });
    assert.deepEqual(
        room.markers.map(({ id }) => id),
        ['m0', 'm1'],
    );
    assert.deepEqual(
        room.notes.map(({ text }) => text),
        ['y'],
    );
    assert.deepEqual(received(room, { ...marker, deleted: true }, 0).markers.length, 1);
});

test('the current question is that of the latest question marker', () => {
    const questions = [
        { id: 'q0', text: 'a' },
        { id: 'q1', text: 'b' },
    ];
    const asked = (id, t_s) => ({ type: 'marker', id, t_s, kind: 'question', label: '', question_id: id, author: 'A' });
    const room = after(history({ questions }));
    assert.equal(currentQuestion(room), -1);
    assert.equal(currentQuestion(received(received(room, asked('q1', 9), 0), asked('q0', 3), 0)), 1);
});

test('the candidate is found among the participants', () => {
    const room = after(state({ on: false }, [person('i', 'interviewer'), person('c', 'candidate')]));
    assert.equal(candidateOf(room).id, 'c');
    assert.equal(candidateOf(newRoom()), null);
});

test('unknown events change nothing', () => {
    const room = after(state(ON));
    assert.equal(received(room, { type: 'from the future' }, 0), room);
});

test('signals are let go of when no contour shows them, and a peak keeps its reason', () => {
    const why = { rise: 0.1, parts: [], moved: [] };
    let room = newRoom();
    for (const t_s of [1, 100, 121, 122]) {
        const fields = { signals: { 'voice.f0_mean': signal(24) }, ...(t_s === 122 ? { peak_t_s: 121, peak_why: why } : {}) };
        room = received(room, estimate(t_s, 0.5, fields), t_s);
    }
    assert.deepEqual(
        room.estimates.map(({ t_s, signals }) => [t_s, signals !== undefined]),
        [
            [1, false],
            [100, true],
            [121, true],
            [122, true],
        ],
    );
    assert.equal(room.estimates[0].stress.value, 0.5, 'only the signals go');
    assert.deepEqual(room.peaks, [{ t_s: 121, stress: 0.5, why }]);
});
