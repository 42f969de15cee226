import assert from 'node:assert/strict';
import { test } from 'node:test';

import { BAND_REST_S, followLive, newLiveNews, peakNews, peopleNews } from '../../web/static/js/news.js';
import { newRoom } from '../../web/static/js/room_model.js';
import { estimate } from './estimates.js';

const person = (id, presence) => ({ id, name: id, role: 'candidate', presence });
const withPeople = (...participants) => ({ ...newRoom(), me: 'me', participants });
const value = (stress) => ({ kind: 'value', value: stress, word: '', detail: '', estimate: estimate(1, stress) });

test('people who come and go are news, oneself is not', () => {
    const before = withPeople(person('me', 'absent'), person('Ann', 'waiting'));
    const after = withPeople(person('me', 'present'), person('Ann', 'present'), person('Bob', 'present'));
    assert.deepEqual(peopleNews(before, after), ['Ann is in the call.', 'Bob is in the call.']);
    assert.deepEqual(peopleNews(after, after), []);
});

test('new peaks are news, those of a history are not', () => {
    const before = { ...newRoom(), session_id: 's1', peaks: [{ t_s: 5, stress: 0.7 }] };
    const after = { ...before, peaks: [...before.peaks, { t_s: 65, stress: 0.8 }] };
    assert.deepEqual(peakNews(before, after), ['Peak at 1:05.']);
    assert.deepEqual(peakNews(newRoom(), after), []);
});

test('a band is told once, when it has lasted', () => {
    let news = newLiveNews();
    const said = [];
    for (let now_s = 0; now_s < 12; now_s += 1) {
        const followed = followLive(news, value(0.7), now_s);
        news = followed.state;
        if (followed.text !== null) said.push([now_s, followed.text]);
    }
    assert.deepEqual(said, [[BAND_REST_S, 'Stress is high.']]);
});

test('a value that jumps over a border all the time says nothing', () => {
    let news = newLiveNews();
    for (let now_s = 0; now_s < 60; now_s += 1) {
        const followed = followLive(news, value(now_s % 2 ? 0.29 : 0.31), now_s);
        assert.equal(followed.text, null);
        news = followed.state;
    }
});

test('losing the live value is told, with the same patience', () => {
    const stale = { kind: 'stale', value: 0.3, word: 'Not live', detail: '', estimate: estimate(1, 0.3) };
    let { state } = followLive(newLiveNews(), stale, 0);
    const followed = followLive(state, stale, BAND_REST_S);
    assert.equal(followed.text, 'No live estimate.');
});
