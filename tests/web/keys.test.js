import assert from 'node:assert/strict';
import { test } from 'node:test';

import { keyAction, takesText } from '../../web/static/js/keys.js';
import { chartMarks, markerWords, markEvent, stampWords } from '../../web/static/js/marks.js';

const press = (key, fields = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, repeat: false, ...fields });
const FREE = { isTyping: false, hasDialog: false };

test('keys mean what the help says', () => {
    assert.deepEqual(keyAction(press('m'), FREE), { do: 'moment' });
    assert.deepEqual(keyAction(press('M'), FREE), { do: 'moment' });
    assert.deepEqual(keyAction(press('M', { shiftKey: true }), FREE), { do: 'moment-before' });
    assert.deepEqual(keyAction(press('q'), FREE), { do: 'next-question' });
    assert.deepEqual(keyAction(press('n'), FREE), { do: 'note' });
    assert.deepEqual(keyAction(press('?'), FREE), { do: 'help' });
    assert.deepEqual(keyAction(press('1'), FREE), { do: 'question', index: 0 });
    assert.deepEqual(keyAction(press('9'), FREE), { do: 'question', index: 8 });
    for (const key of ['0', 'y', 'Tab', 'Enter', ' ']) assert.equal(keyAction(press(key), FREE), null);
});

test('not while typing, in a dialog, with a modifier or when held down', () => {
    assert.equal(keyAction(press('m'), { ...FREE, isTyping: true }), null);
    assert.equal(keyAction(press('m'), { ...FREE, hasDialog: true }), null);
    for (const field of ['ctrlKey', 'metaKey', 'altKey', 'repeat']) {
        assert.equal(keyAction(press('m', { [field]: true }), FREE), null);
    }
});

test('fields take text, buttons and boxes do not', () => {
    assert.equal(takesText({ tagName: 'TEXTAREA' }), true);
    assert.equal(takesText({ tagName: 'INPUT', type: 'text' }), true);
    assert.equal(takesText({ tagName: 'SELECT' }), true);
    assert.equal(takesText({ tagName: 'INPUT', type: 'checkbox' }), false);
    assert.equal(takesText({ tagName: 'BUTTON' }), false);
    assert.equal(takesText(null), false);
});

const QUESTIONS = [
    { id: 'a', text: 'First?' },
    { id: 'b', text: 'Second?' },
];
const marker = (kind, fields = {}) => ({
    id: 'x',
    t_s: 61,
    kind,
    label: '',
    question_id: null,
    author: 'A',
    ...fields,
});

test('markers in words and on charts', () => {
    const second = marker('question', { question_id: 'b', label: 'Second?' });
    assert.equal(markerWords(second, QUESTIONS), 'Question 2: Second?');
    assert.equal(markerWords(marker('moment'), QUESTIONS), 'Moment');
    assert.deepEqual(
        chartMarks([second, marker('moment'), marker('peak'), marker('moment', { t_s: null })], QUESTIONS),
        [
            { t_s: 61, kind: 'question', label: 'Q2' },
            { t_s: 61, kind: 'moment', label: 'M' },
        ],
    );
    assert.equal(stampWords(null), 'No time');
});

test('a question that was removed leaves its marker', () => {
    assert.equal(markerWords(marker('question', { question_id: 'gone', label: 'Old?' }), QUESTIONS), 'Question: Old?');
});

test('marks are events with what is known, labels kept short', () => {
    assert.deepEqual(markEvent('moment', 12.345), { type: 'marker', kind: 'moment', t_s: 12.3 });
    assert.deepEqual(markEvent('moment', null), { type: 'marker', kind: 'moment' });
    const long = markEvent('question', 1, { question: { id: 'a', text: 'x'.repeat(500) } });
    assert.equal(long.label.length, 200);
    assert.equal(long.question_id, 'a');
});
