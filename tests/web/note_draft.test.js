import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
    ANSWER_S,
    answered,
    draftOf,
    isDue,
    isSaved,
    newDraft,
    PAUSE_S,
    saveEvent,
    sent,
    typed,
} from '../../web/static/js/note_draft.js';

const stored = (id, text, mine = true) => ({ id, t_s: 3, text, author: 'A', mine });

test('a note has the time of its first letter', () => {
    const draft = typed(typed(newDraft('n1'), 'a', 12.34, 0), 'ab', 15, 1);
    assert.deepEqual(saveEvent(draft), { type: 'note', client_id: 'n1', text: 'ab', t_s: 12.3 });
});

test('without a session a note has no time', () => {
    assert.deepEqual(saveEvent(typed(newDraft('n1'), ' a ', null, 0)), { type: 'note', client_id: 'n1', text: 'a' });
});

test('it is saved after a pause, or at once when wanted, and never when empty', () => {
    const draft = typed(newDraft('n1'), 'a', 1, 10);
    assert.equal(isDue(draft, 10 + PAUSE_S - 0.1), false);
    assert.equal(isDue(draft, 10 + PAUSE_S), true);
    assert.equal(isDue(draft, 10, { isUrgent: true }), true);
    assert.equal(isDue(typed(draft, '  ', 1, 10), 99), false);
});

test('one save at a time; an unanswered one is sent again', () => {
    const draft = sent(typed(newDraft('n1'), 'a', 1, 10), 12);
    assert.equal(isDue(typed(draft, 'ab', 1, 12.5), 15), false);
    assert.equal(isDue(draft, 12 + ANSWER_S), true);
});

test('the answer gives the note its id, and later saves are edits', () => {
    const asked = typed(sent(typed(newDraft('n1'), 'a', 1, 0), 2), 'ab', 1, 3);
    assert.equal(answered(asked, [stored('old', 'a')]).id, null, 'an older note with the same text is another note');
    const known = answered(asked, [stored('old', 'a'), stored('x', 'a', false), stored('n1', 'a')]);
    assert.deepEqual([known.id, known.saved, known.sent], ['n1', 'a', null]);
    assert.equal(isSaved(known), false);
    assert.deepEqual(saveEvent(known), { type: 'note', id: 'n1', text: 'ab' });
});

test('a resent first save that was stored after all is recognised', () => {
    const twice = sent(sent(typed(newDraft('n1'), 'a', 1, 0), 2), 9);
    assert.equal(answered(twice, [stored('old', 'a'), stored('n1', 'a')]).id, 'n1');
});

test('an opened note is saved until it is changed, and an edit is answered by its id', () => {
    const draft = draftOf(stored('n1', 'a'));
    assert.equal(isDue(draft, 99), false);
    const edited = sent(typed(draft, 'b', 50, 1), 3);
    assert.equal(edited.t_s, 3);
    assert.equal(answered(edited, [stored('n2', 'b')]).saved, 'a');
    assert.equal(answered(edited, [stored('n1', 'b')]).saved, 'b');
});
