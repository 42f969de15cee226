import assert from 'node:assert/strict';
import { test } from 'node:test';

import { restsOn } from '../../web/static/js/advice_words.js';
import { shownValue, signed } from '../../web/static/js/catalogue.js';
import { contourOf, contourPath, contourRows, contourScale } from '../../web/static/js/contours.js';
import { deviationBar, deviationWords } from '../../web/static/js/deviation.js';
import { evidenceGroups, evidenceRow, movedRows, otherFaces } from '../../web/static/js/evidence_model.js';
import { roundedToSum, whyMoved, whyParts } from '../../web/static/js/peak_why.js';
import { movedIn, signalGroups, stretchHeads } from '../../web/static/js/signal_table.js';
import { definition, estimate, signal } from './estimates.js';

const PITCH = definition('voice.f0_mean', { label: 'Pitch', unit: 'st', digits: 1 });
const CONTACT = definition('gaze.contact_share', { label: 'Looks straight', low: 0, high: 1 });
const BLINKS = definition('eyes.blink_rate', { label: 'Blinks', unit: '1/min', digits: 0 });
const COUNT = definition('face.count', { group: 'head', has_baseline: false, digits: 0 });
const CATALOGUE = [PITCH, CONTACT, BLINKS, COUNT];

test('values have their unit, shares are per cent, indices are numbers', () => {
    assert.equal(shownValue(PITCH, 24.06), '24.1 semitones');
    assert.equal(shownValue(CONTACT, 0.384), '38 %');
    assert.equal(shownValue({ ...CONTACT, digits: 3 }, 0.0384), '3.8 %');
    assert.equal(shownValue(definition('nonverbal.engagement', { low: 0, high: 1 }), 0.384), '0.38');
    assert.equal(shownValue(definition('head.yaw', { unit: 'deg', digits: 0 }), -0.2), '0°');
    assert.equal(shownValue(PITCH, null), '—');
    assert.deepEqual([2.34, -2.34, 0.01].map((z) => signed(z, 1)), ['+2.3', '−2.3', '0.0']);
});

test('the distance from the baseline in words has two sides and grows', () => {
    const words = [0.5, -0.99, 1, -2.5, 4].map((z) => deviationWords(PITCH, z));
    assert.deepEqual(words, ['as usual', 'as usual', 'a little above usual', 'below usual', 'far above usual']);
    assert.equal(deviationWords(PITCH, null), 'no baseline yet');
    assert.equal(deviationWords(COUNT, null), '');
});

test('the bar starts in the middle, goes to its side and never leaves the track', () => {
    assert.deepEqual(deviationBar(2), { from: 50, length: 25 });
    assert.deepEqual(deviationBar(-2), { from: 25, length: 25 });
    assert.deepEqual(deviationBar(-90), { from: 0, length: 50 });
    assert.deepEqual(deviationBar(null), { from: 50, length: 0 });
});

test('no value stands without its quality, and an old one says its age', () => {
    const row = evidenceRow(PITCH, signal(24, { z: 2.3 }));
    assert.equal(row.worth, 'Quality 80 % (good)');
    assert.equal(row.isOld, false);
    const old = evidenceRow(PITCH, signal(24, { age_s: 12 }));
    assert.ok(old.isOld);
    assert.match(old.worth, /quality 80 %.*12 s old/i);
    const weak = evidenceRow(PITCH, signal(24, { quality: 0.2, reason: 'noise' }));
    assert.ok(weak.isWeak);
    assert.match(weak.worth, /^Too much noise, quality 20 % \(poor\)/);
});

test('what is missing says why, and has neither distance nor words for one', () => {
    const row = evidenceRow(CONTACT, signal(null, { reason: 'turned_away', z: 3 }));
    assert.deepEqual([row.value, row.z, row.deviation, row.worth], ['—', null, '', 'Face turned away']);
});

test('groups keep the order of the catalogue, leave out what the session lacks, and count', () => {
    const signals = { 'eyes.blink_rate': signal(null), 'voice.f0_mean': signal(24, { z: 1.5 }), 'a.b': signal(1) };
    const groups = evidenceGroups([...CATALOGUE, definition('voice.mfcc1', { is_detail: true })], {
        ...signals,
        'voice.mfcc1': signal(3, { z: 9 }),
    });
    assert.deepEqual(
        groups.map(({ key, rows, state }) => [key, rows.length, state]),
        [
            ['voice', 1, '1 of 1 measured, 1 moved'],
            ['eyes', 1, '0 of 1 measured'],
        ],
    );
});

test('what moved is ordered by distance times quality; what is usual or unknown is not named', () => {
    const signals = {
        'voice.f0_mean': signal(24, { z: 3, quality: 0.2 }),
        'gaze.contact_share': signal(0.2, { z: -2, quality: 0.9 }),
        'eyes.blink_rate': signal(14, { z: 0.9 }),
        'face.count': signal(null, { z: 5 }),
    };
    assert.deepEqual(
        movedRows(CATALOGUE, signals).map(({ key, deviation }) => [key, deviation]),
        [
            ['gaze.contact_share', 'below usual (−2.0)'],
            ['voice.f0_mean', 'above usual (+3.0)'],
        ],
    );
    const many = Array.from({ length: 8 }, (_, i) => definition(`voice.x${i}`));
    assert.equal(movedRows(many, Object.fromEntries(many.map(({ name }) => [name, signal(1, { z: 2 })]))).length, 5);
});

test('a second face is told, a count of long ago is not', () => {
    assert.equal(otherFaces({ 'face.count': signal(2) }), 2);
    assert.equal(otherFaces({ 'face.count': signal(1) }), 0);
    assert.equal(otherFaces({ 'face.count': signal(2, { age_s: 20 }) }), 0);
    assert.equal(otherFaces({}), 0);
});

test('the shown parts of a peak add up to its shown rise', () => {
    assert.deepEqual(roundedToSum([0.005, 0.005, 0.005], 0.015, 2), [0.01, 0.01, 0]);
    const amounts = [0.0849, 0.0349, 0.0249, 0.0149, -0.0149, 0.0049, 0.0049];
    const rise = amounts.reduce((a, b) => a + b, 0);
    const parts = whyParts({ rise, parts: amounts.map((amount, i) => ({ signal: `face.${i}`, amount })), moved: [] });
    const shown = parts.map(({ text }) => Number(text.replace('−', '-')));
    assert.equal(parts.length, 6, 'five and the rest');
    assert.equal(parts.at(-1).label, 'All others');
    assert.ok(Math.abs(shown.reduce((a, b) => a + b, 0) - Number(rise.toFixed(2))) < 1e-9);
});

test('what moved at a peak names value, distance and quality', () => {
    const why = { rise: 0, parts: [], moved: [{ name: 'eyes.blink_rate', value: 31, z: 3.4, quality: 0.8 }] };
    assert.equal(whyMoved(CATALOGUE, why)[0].text, 'Blinks 31 a minute, above usual (+3.4), quality 80 %');
});

test('a recommendation names what it rests on', () => {
    const evidence = [
        { name: 'stress.rise', value: 0.14, z: null },
        { name: 'eyes.blink_rate', value: 31, z: 3.4 },
    ];
    assert.equal(
        restsOn(CATALOGUE, { id: 'a', text: '', evidence }),
        'Rests on: change of stress +0.14; blinks 31 a minute, above usual (+3.4)',
    );
});

test('a contour breaks where nothing is known and where a value stands still', () => {
    const at = (t_s, fields) => estimate(t_s, 0.5, { signals: { 'voice.f0_mean': signal(24, fields) } });
    const estimates = [at(1), at(2), at(3, { age_s: 4 }), at(4), at(5), estimate(6, 0.5), at(9)];
    const points = contourOf(estimates, 'voice.f0_mean', 10);
    assert.deepEqual(
        points.map(({ value }) => value),
        [24, 24, null, 24, 24, null, 24],
    );
    const scale = contourScale(points, 6);
    assert.deepEqual(scale, { low: 21, high: 27 });
    const path = contourPath(points, scale, { now_s: 10, width: 600, height: 64 });
    assert.equal(path.split('M').length - 1, 3, 'three pieces');
    assert.deepEqual(contourRows([points]), [{ from_s: 0, means: [24] }]);
    assert.equal(contourOf(estimates, 'voice.f0_mean', 300).length, 0, 'long ago');
    assert.equal(contourScale([{ t_s: 1, value: null }], 6), null);
});

const stretch = (question_id, label, signals) => ({ question_id, label, from_s: 0, to_s: 60, signals });
const figures = (name, median, z, coverage = 0.8) => ({ name, median, z, coverage });

test('the table by question has a row for each signal that was ever known', () => {
    const stretches = [
        stretch(null, 'Whole session', [figures('voice.f0_mean', 24, 1.2), figures('eyes.blink_rate', null, null, 0)]),
        stretch('q1', 'Tell me', [figures('voice.f0_mean', null, null, 0)]),
    ];
    const groups = signalGroups(CATALOGUE, stretches);
    assert.deepEqual(
        groups.map(({ key }) => key),
        ['voice'],
    );
    const [whole, first] = groups[0].rows[0].cells;
    const shown = [whole.value, whole.deviation, whole.coverage];
    assert.deepEqual(shown, ['24.0 semitones', 'a little above usual (+1.2)', '80 %']);
    assert.equal(first.median, null);
});

test('details for researchers stand in a group of their own, after all others', () => {
    const detail = definition('voice.mfcc1', { is_detail: true });
    const signals = [figures('voice.mfcc1', 3, 8), figures('eyes.blink_rate', 9, 1)];
    const groups = signalGroups([detail, BLINKS], [stretch(null, 'Whole session', signals)]);
    assert.deepEqual(
        groups.map(({ key }) => key),
        ['eyes', 'details'],
    );
});

test('what moved in a question needs coverage', () => {
    const signals = [figures('voice.f0_mean', 24, 9, 0.1), figures('eyes.blink_rate', 9, -2)];
    const found = movedIn(CATALOGUE, stretch('q1', '', signals));
    assert.deepEqual(
        found.map(({ definition: { name } }) => name),
        ['eyes.blink_rate'],
    );
});

test('a question asked twice has two heads', () => {
    const labels = [
        [null, 'Whole session'],
        ['b', 'B'],
        ['b', 'B'],
        ['x', 'Gone'],
    ];
    const stretches = labels.map(([id, label]) => stretch(id, label, []));
    assert.deepEqual(stretchHeads(stretches, [{ id: 'a' }, { id: 'b' }]), ['Whole session', 'Q2', 'Q2 again', 'Gone']);
});
