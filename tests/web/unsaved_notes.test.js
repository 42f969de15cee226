import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ANSWER_S, draftOf, newDraft, typed } from '../../web/static/js/note_draft.js';
import { finish, reopen, saveDue, unsavedTexts, withAnswers } from '../../web/static/js/unsaved_notes.js';

const stored = (id, text) => ({ id, t_s: 3, text, author: 'A', mine: true });

/** A note of which a save is under way. */
const saving = (text, now_s = 0, client_id = 'n1') => {
    const open = typed(newDraft(client_id), text, 1, now_s);
    return saveDue({ open, finished: [] }, () => true, now_s, { isUrgent: true });
};

test('a finished note is kept until the server answers, and sent again without an answer', () => {
    let notes = finish(saving('a', 10), newDraft('n2'));
    assert.deepEqual([notes.open.text, unsavedTexts(notes)], ['', ['a']]);
    const sent = [];
    const send = (event) => sent.push(event) > 0;
    assert.equal(saveDue(notes, send, 10 + ANSWER_S - 0.1), notes, 'the answer may still come');
    notes = saveDue(notes, send, 10 + ANSWER_S);
    assert.deepEqual(sent, [{ type: 'note', client_id: 'n1', text: 'a', t_s: 1 }]);
    notes = withAnswers(notes, [stored('n1', 'a')]);
    assert.deepEqual(notes.finished, []);
});

test('what was typed while a save was under way is saved after its answer', () => {
    const asked = saving('old', 0);
    const newer = { ...asked, open: typed(asked.open, 'old and new', 2, 1) };
    let notes = finish(newer, newDraft('n2'));
    notes = withAnswers(notes, [stored('n1', 'old')]);
    assert.deepEqual(unsavedTexts(notes), ['old and new']);
    const sent = [];
    notes = saveDue(notes, (event) => sent.push(event) > 0, 1.5);
    assert.deepEqual(sent, [{ type: 'note', id: 'n1', text: 'old and new' }]);
    notes = withAnswers(notes, [stored('n1', 'old and new')]);
    assert.deepEqual([notes.finished, unsavedTexts(notes)], [[], []]);
});

test('a note that is finished without a connection goes out when there is one', () => {
    const written = { open: typed(newDraft('n1'), 'a', 1, 0), finished: [] };
    const offline = saveDue(written, () => false, 0, { isUrgent: true });
    assert.equal(offline, written);
    const sent = [];
    saveDue(finish(offline, newDraft('n2')), (event) => sent.push(event) > 0, 0.5);
    assert.equal(sent[0]?.client_id, 'n1');
});

test('what is stored, or empty, is not kept', () => {
    const answered = withAnswers(saving('a'), [stored('n1', 'a')]);
    assert.deepEqual(finish(answered, newDraft('n2')).finished, []);
    assert.deepEqual(finish({ open: newDraft('n1'), finished: [] }, newDraft('n2')).finished, []);
});

test('a note that is opened again has what was written last', () => {
    const edit = { open: typed(draftOf(stored('n1', 'a')), 'ab', 1, 0), finished: [] };
    const notes = reopen(finish(edit, newDraft('n2')), stored('n1', 'a'));
    assert.deepEqual([notes.open.text, notes.open.id, notes.finished], ['ab', 'n1', []]);
});

test('opening another note keeps the one in the field', () => {
    const notes = reopen(saving('a'), stored('n9', 'z'));
    assert.deepEqual([notes.open.text, unsavedTexts(notes)], ['z', ['a']]);
});
