import assert from 'node:assert/strict';
import { test } from 'node:test';

import { followOutage, noOutage, outageWords } from '../../web/static/js/outage.js';
import { newRoom, received } from '../../web/static/js/room_model.js';
import { peopleNews } from '../../web/static/js/news.js';

const OPEN = { state: 'open' };
const LOST = { state: 'reconnecting', isRestart: false };
const LIVE = { state: 'live', message: null };

/** @param {[number, any, any][]} steps page time, socket, media */
function play(...steps) {
    let outage = noOutage();
    return steps.map(([now_s, socket, media]) => {
        outage = followOutage(outage, socket, media, now_s);
        return outageWords(outage, media, now_s);
    });
}

test('a lost connection is said after two seconds, with its length', () => {
    const said = play([0, OPEN, LIVE], [1, LOST, LIVE], [2, { state: 'connecting' }, LIVE], [13, LOST, LIVE], [14, OPEN, LIVE]);
    assert.deepEqual(said.map(({ kind }) => kind), ['', '', '', 'socket', '']);
    assert.match(said[3]?.text ?? '', /lost for 12 s/);
});

test('a restart is said at once, until the server is back', () => {
    const restart = { state: 'reconnecting', isRestart: true };
    const said = play([0, restart, LIVE], [5, { state: 'connecting' }, LIVE], [6, LOST, LIVE], [9, OPEN, LIVE]);
    assert.deepEqual(said.map(({ kind }) => kind), ['restart', 'restart', 'restart', '']);
});

test('the first connection is no outage', () => {
    assert.equal(play([0, { state: 'connecting' }, null], [30, { state: 'connecting' }, null]).at(-1)?.kind, '');
});

test('one’s own picture and a server that is full have words of their own', () => {
    const full = { state: 'waiting', message: 'The server is full.' };
    const said = play([0, OPEN, { state: 'interrupted', message: null }], [4, OPEN, { state: 'interrupted', message: null }], [5, OPEN, full]);
    assert.match(said[1]?.text ?? '', /Your own picture and sound have been interrupted for 4 s/);
    assert.equal(said[2]?.text, 'The server is full. This page tries again by itself.');
});

const person = (presence, publishing) => ({
    id: 'c', role: 'candidate', name: 'Sam', presence, publishing, microphone: true, camera: true,
});
const state = (presence, publishing) => ({
    type: 'state', status: 'live', you: 'admitted', participants: [person(presence, publishing)], analysis: { on: false },
});

test('a gap begins with the silence and ends with the picture', () => {
    let room = received(newRoom(), state('present', true), 0);
    room = received(room, state('interrupted', false), 10);
    assert.deepEqual(room.away, { c: 7 });
    const connecting = received(room, state('present', false), 20);
    assert.deepEqual(connecting.away, { c: 7 });
    assert.deepEqual(peopleNews(room, connecting), []);
    const back = received(connecting, state('present', true), 21);
    assert.deepEqual(back.gap, { id: 'c', name: 'Sam', began_s: 7, length_s: 14 });
    assert.deepEqual(back.away, {});
    assert.deepEqual(peopleNews(connecting, back), ['Sam is back after 14 s.']);
});

test('who does not come back leaves no gap, only an absence', () => {
    const away = received(newRoom(), state('interrupted', false), 10);
    const gone = received(away, state('absent', false), 70);
    assert.equal(gone.gap, null);
    assert.deepEqual(gone.away, {});
});
