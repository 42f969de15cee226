// Notes: one field, stamped at the first letter, saved on every pause, kept in the browser until the server has them.

import { byId, make, setText, syncList } from './elements.js';
import { stampWords } from './marks.js';
import { answered, draftOf, isDue, isSaved, newDraft, saveEvent, sent, typed } from './note_draft.js';

/** @typedef {import('./note_draft.js').Draft} Draft */
/** @typedef {import('./protocol.js').Note} Note */
/** @typedef {import('./protocol.js').ClientEvent} ClientEvent */

/**
 * @typedef {object} Notes
 * @property {(notes: Note[]) => void} show
 * @property {(now_s: number) => void} tick saves when it is time
 * @property {() => void} focus
 */

/**
 * @param {object} options
 * @param {(event: ClientEvent) => boolean} options.send
 * @param {() => number} options.now_s page time
 * @param {() => number | null} options.session_s session time
 * @param {string} options.storageKey
 * @param {Storage} [options.storage]
 * @returns {Notes}
 */
export function createNotes({ send, now_s, session_s, storageKey, storage = localStorage }) {
    const field = byId('note-text', HTMLTextAreaElement);
    /** @type {Note[]} */
    let notes = [];
    let draft = restored(storage.getItem(storageKey), now_s());
    field.value = draft.text;

    /** @param {Draft} next */
    const become = (next) => {
        draft = next;
        if (draft.text.trim() === '' && draft.id === null) storage.removeItem(storageKey);
        else storage.setItem(storageKey, JSON.stringify(draft));
        setText(byId('note-time'), draft.text === '' ? '' : stampWords(draft.t_s));
        setText(byId('note-saved'), savedWords(draft));
        byId('note-done', HTMLButtonElement).disabled = draft.text.trim() === '';
    };

    /** @param {{isUrgent?: boolean}} [options] */
    const save = (options) => {
        if (isDue(draft, now_s(), options) && send(saveEvent(draft))) become(sent(draft, now_s(), notes));
    };

    const finish = () => {
        save({ isUrgent: true });
        // What the server does not have yet stays in the field.
        if (draft.sent === null && !isSaved(draft)) return;
        become(newDraft());
        field.value = '';
    };

    /** @param {Note} note */
    const reopen = (note) => {
        finish();
        if (field.value !== '') return;
        become(draftOf(note));
        field.value = note.text;
        field.focus();
    };

    field.addEventListener('input', () => become(typed(draft, field.value, session_s(), now_s())));
    field.addEventListener('blur', () => save({ isUrgent: true }));
    field.addEventListener('keydown', (event) => {
        if (event.key === 'Escape') field.blur();
        else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) finish();
    });
    byId('note-done').addEventListener('click', () => {
        finish();
        field.focus();
    });
    become(draft);

    return {
        show(stored) {
            if (stored === notes) return;
            notes = stored;
            become(answered(draft, notes));
            showList(notes, draft.id, reopen);
        },
        tick: () => save(),
        focus: () => field.focus(),
    };
}

/**
 * @param {Note[]} notes
 * @param {string | null} openId the note in the field
 * @param {(note: Note) => void} onEdit
 */
function showList(notes, openId, onEdit) {
    syncList(
        byId('note-list'),
        notes.toReversed(),
        ({ id }) => id,
        () =>
            make('li', {}, [
                make('span', { class: 'stamp number' }),
                make('span', { class: 'stamped-text' }),
                make('button', { type: 'button', class: 'link' }, ['Edit']),
            ]),
        (item, note) => {
            setText(/** @type {Element} */ (item.querySelector('.stamp')), stampWords(note.t_s));
            setText(
                /** @type {Element} */ (item.querySelector('.stamped-text')),
                note.mine ? note.text : `${note.author}: ${note.text}`,
            );
            const button = /** @type {HTMLButtonElement} */ (item.querySelector('button'));
            button.hidden = !note.mine || note.id === openId;
            button.setAttribute('aria-label', `Edit note at ${stampWords(note.t_s)}`);
            button.onclick = () => onEdit(note);
        },
    );
}

/** @param {Draft} draft */
function savedWords(draft) {
    if (draft.text.trim() === '') return '';
    if (isSaved(draft)) return 'Saved';
    return draft.sent === null ? 'Not saved yet' : 'Saving …';
}

/**
 * @param {string | null} stored
 * @param {number} now_s
 * @returns {Draft}
 */
function restored(stored, now_s) {
    // The page's clock starts anew with each load; a save under way gets its full time for an answer again.
    return stored === null ? newDraft() : { ...newDraft(), ...JSON.parse(stored), sent_s: now_s, typed_s: now_s };
}
