import assert from 'node:assert/strict';
import test from 'node:test';

import {
    MAX_WORDS,
    captionLines,
    captionNote,
    noCaptions,
    takeCaption,
} from '../../web/static/js/captions_view.js';

const word = (text, from_s, confidence = 0.9) => ({ text, from_s, to_s: from_s + 0.3, confidence });
const caption = (words, more = {}) => ({
    type: 'caption',
    session_id: 'a',
    words,
    lost_s: 0,
    complete: false,
    ...more,
});

test('words are added, and another session or a complete list begins anew', () => {
    let captions = takeCaption(noCaptions(), caption([word('one', 1)]));
    captions = takeCaption(captions, caption([word('two', 2)]));
    assert.deepEqual(captions.words.map(({ text }) => text), ['one', 'two']);
    assert.equal(takeCaption(captions, caption([word('new', 0)], { session_id: 'b' })).words.length, 1);
    assert.deepEqual(takeCaption(captions, caption([], { session_id: null, complete: true })).words, []);
});

test('only the newest words are kept', () => {
    const many = Array.from({ length: MAX_WORDS + 5 }, (_, i) => word(`w${i}`, i));
    const { words } = takeCaption(noCaptions(), caption(many));
    assert.equal(words.length, MAX_WORDS);
    assert.equal(words.at(-1)?.text, `w${MAX_WORDS + 4}`);
});

test('a silence begins a line, and doubtful words are marked', () => {
    const lines = captionLines([word('a', 1), word('b', 1.4, 0.2), word('c', 3, null)]);
    assert.deepEqual(
        lines.map((line) => line.words.map(({ text, isDoubtful }) => `${text}${isDoubtful ? '?' : ''}`).join(' ')),
        ['a b?', 'c'],
    );
});

test('the note says why there are no words and what is missing', () => {
    const some = takeCaption(noCaptions(), caption([word('a', 1)], { lost_s: 12.4 }));
    assert.match(captionNote(noCaptions(), { on: true, captions: 'no_consent' }), /not agreed/);
    assert.match(captionNote(noCaptions(), { on: false, captions: 'on' }), /while the analysis is on/);
    assert.match(captionNote(noCaptions(), { on: true, captions: 'on' }), /Nothing/);
    assert.match(captionNote(some, { on: true, captions: 'on' }), /too slow for 12 s/);
    assert.equal(captionNote({ ...some, lost_s: 0 }, { on: true, captions: 'on' }), '');
});
