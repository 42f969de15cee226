import assert from 'node:assert/strict';
import { test } from 'node:test';

import { explanationView, greyLevels, mapCells, mapScale } from '../../web/static/js/explanation_view.js';

const answer = (fields = {}) => ({
    type: 'explanation',
    session_id: 's1',
    reason: 'ok',
    t_s: 42.2,
    quality: 0.88,
    emotion: 'happy',
    share: 0.92,
    crop: btoa('\u0000\u00ff\u0080\u0001'),
    falls: [0.4, 0.1, 0, -0.2],
    parts: [
        { part: 'mouth', fall: 0.41 },
        { part: 'nose', fall: 0.002 },
        { part: 'eyes', fall: -0.06 },
    ],
    ...fields,
});

test('the main sentence names the part that matters most, and one that works against', () => {
    const { main } = explanationView(answer(), 45.2);
    assert.equal(main, 'Hiding the mouth lowers happiness most: from 92 % to 51 %. Hiding the eyes raises it to 98 %.');
});

test('it says whose share, of which picture, how old and how good', () => {
    assert.equal(
        explanationView(answer(), 45.2).about,
        'Happiness 92 % in the picture of 0:42, 3.0 s old; quality 88 %.',
    );
    const weak = explanationView(answer({ reason: 'dark', quality: 0.2 }), null).about;
    assert.equal(weak, 'Happiness 92 % in the picture of 0:42; quality 20 %, picture too dark.');
});

test('small changes are not called anything', () => {
    const { main } = explanationView(answer({ parts: [{ part: 'mouth', fall: 0.004 }] }), null);
    assert.match(main, /^Hiding no single part changes happiness by more than 5 points/);
});

test('the table has what is left and the change', () => {
    assert.deepEqual(explanationView(answer(), null).rows, [
        { part: 'Mouth', share: '51 %', change: '−41 points' },
        { part: 'Nose', share: '92 %', change: '0 points' },
        { part: 'Eyes', share: '98 %', change: '+6 points' },
    ]);
});

test('without a map there is a reason and nothing else', () => {
    const none = { crop: null, emotion: null, share: null, falls: [], parts: [], quality: 0 };
    const faceless = explanationView(answer({ ...none, reason: 'no_face' }), 45);
    assert.deepEqual(faceless, {
        hasMap: false,
        main: 'There is nothing to show: no face in view.',
        about: '',
        rows: [],
        scale: '',
    });
    const silent = explanationView(answer({ ...none, t_s: null, reason: 'no_answer' }), 45);
    assert.match(silent.main, /no answer in time/);
});

test('colours are as deep as the change is large, and faint when all changes are', () => {
    assert.deepEqual(
        mapCells([0.4, 0.1, 0, -0.2]).map(({ kind, strength }) => [kind, strength]),
        [
            ['lowers', 1],
            ['lowers', 0.25],
            ['lowers', 0],
            ['raises', 0.5],
        ],
    );
    assert.equal(mapScale([0.01, -0.02]), 0.1);
    assert.equal(explanationView(answer(), null).scale, '40 points');
});

test('the picture comes back as grey levels', () => {
    assert.deepEqual([...greyLevels(answer().crop)], [0, 255, 128, 1]);
});
