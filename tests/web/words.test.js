import assert from 'node:assert/strict';
import { test } from 'node:test';

import { age, clock, duration, percent, share } from '../../web/static/js/format.js';
import {
    bandName,
    bandOf,
    BANDS,
    bandShape,
    qualityWord,
    reasonWords,
    signalName,
    trajectoryWords,
    unknownWords,
} from '../../web/static/js/words.js';
import { reading } from './estimates.js';

test('bands begin at their limits', () => {
    assert.deepEqual([0, 0.2999, 0.3, 0.5999, 0.6, 1].map(bandOf), [
        'low',
        'low',
        'moderate',
        'moderate',
        'high',
        'high',
    ]);
});

test('no two bands look alike without colour', () => {
    assert.equal(new Set(BANDS.map(bandShape)).size, 3);
    assert.equal(new Set(BANDS.map(bandName)).size, 3);
});

test('every reason of either source has words of its own, and ok has none', () => {
    const seen = ['calibrating', 'no_face', 'dark', 'small_face', 'covered', 'no_video', 'gap'];
    const reasons = [...seen, 'silence', 'noise', 'no_audio'];
    for (const source of ['face', 'voice']) {
        assert.equal(reasonWords(source, 'ok'), '');
        for (const reason of reasons) assert.notEqual(reasonWords(source, reason), '');
    }
    assert.notEqual(reasonWords('face', 'gap'), reasonWords('voice', 'gap'));
});

test('what the browser does to the sound is said in words of its own', () => {
    const words = ['automatic_gain', 'noise_suppression', 'faint', 'not_transcribed'].map((reason) =>
        reasonWords('voice', reason),
    );
    assert.equal(new Set(words).size, 4);
    assert.ok(!words.includes('not measurable'));
});

test('unknown stress names both causes', () => {
    const face = reading(null, { reason: 'no_face' });
    const voice = reading(null, { reason: 'silence' });
    assert.equal(unknownWords({ face, voice }), 'No face in view, no speech');
});

test('signals and trajectories in words', () => {
    assert.equal(signalName('face.angry'), 'Face: anger');
    assert.equal(signalName('voice.energy'), 'Voice: loudness');
    assert.equal(signalName('voice.new_feature'), 'Voice: new feature');
    assert.deepEqual(trajectoryWords('ascending'), { arrow: '↗', word: 'Rising' });
    assert.equal(trajectoryWords(null), null);
});

test('quality in a word', () => {
    assert.deepEqual([0, 0.2, 0.5, 0.9].map(qualityWord), ['none', 'poor', 'fair', 'good']);
});

test('times', () => {
    assert.deepEqual([0, 5.9, 65, 3665, -1, null].map(clock), ['0:00', '0:05', '1:05', '1:01:05', '0:00', '—']);
    assert.deepEqual([0, 42, 65, 3600].map(duration), ['0 s', '42 s', '1 min 5 s', '1 h']);
    assert.equal(age(0.25), '0.3 s old');
    assert.equal(age(75), '1 min 15 s old');
});

test('unknown numbers are never 0', () => {
    assert.equal(share(null), '—');
    assert.equal(percent(null), '—');
    assert.equal(percent(0), '0 %');
    assert.equal(percent(0.001), '< 1 %');
    assert.equal(percent(0.126), '13 %');
    assert.equal(share(0.4), '0.40');
});
