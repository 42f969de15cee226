// Notes: one field, stamped at the first letter, saved on every pause, kept in the browser until the server has them.

import { newClientId } from './client_id.js';
import { byId, make, setText, syncList } from './elements.js';
import { stampWords } from './marks.js';
import { isSaved, newDraft, typed } from './note_draft.js';
import { finish, reopen, saveDue, unsavedTexts, withAnswers } from './unsaved_notes.js';

/** @typedef {import('./note_draft.js').Draft} Draft */
/** @typedef {import('./unsaved_notes.js').Unsaved} Unsaved */
/** @typedef {import('./protocol.js').Note} Note */
/** @typedef {import('./protocol.js').ClientEvent} ClientEvent */

/**
 * @typedef {object} Notes
 * @property {(notes: Note[]) => void} show
 * @property {(now_s: number) => void} tick saves when it is time
 * @property {() => void} focus
 * @property {() => string[]} unsaved texts that the server does not have
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
    let unsaved = restored(storage, storageKey, now_s());
    field.value = unsaved.open.text;

    /** @param {Unsaved} next */
    const become = (next) => {
        unsaved = next;
        const { open, finished } = unsaved;
        const isEmpty = open.text.trim() === '';
        keep(storage, storageKey, isEmpty && open.id === null ? null : open);
        keep(storage, finishedKey(storageKey), finished.length === 0 ? null : finished);
        setText(byId('note-time'), open.text === '' ? '' : stampWords(open.t_s));
        setText(byId('note-saved'), savedWords(unsaved));
        byId('note-done', HTMLButtonElement).disabled = isEmpty;
    };

    /** @param {{isUrgent?: boolean}} [options] */
    const save = (options) => {
        const next = saveDue(unsaved, send, now_s(), options);
        if (next !== unsaved) become(next);
    };

    const done = () => {
        save({ isUrgent: true });
        become(finish(unsaved, newDraft(newClientId())));
        field.value = '';
    };

    /** @param {Note} note */
    const edit = (note) => {
        save({ isUrgent: true });
        become(reopen(unsaved, note));
        field.value = unsaved.open.text;
        field.focus();
    };

    field.addEventListener('input', () => {
        become({ ...unsaved, open: typed(unsaved.open, field.value, session_s(), now_s()) });
    });
    field.addEventListener('blur', () => save({ isUrgent: true }));
    field.addEventListener('keydown', (event) => {
        if (event.key === 'Escape') field.blur();
        else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) done();
    });
    byId('note-done').addEventListener('click', () => {
        done();
        field.focus();
    });
    become(unsaved);

    return {
        show(stored) {
            if (stored === notes) return;
            notes = stored;
            become(withAnswers(unsaved, notes));
            showList(notes, unsaved.open.id, edit);
        },
        tick: () => save(),
        focus: () => field.focus(),
        unsaved: () => unsavedTexts(unsaved),
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

/** @param {Unsaved} unsaved */
function savedWords({ open, finished }) {
    if (open.text.trim() !== '') {
        if (isSaved(open)) return 'Saved';
        return open.sent === null ? 'Not saved yet' : 'Saving …';
    }
    if (finished.every(({ sent }) => sent !== null)) return finished.length === 0 ? '' : 'Saving …';
    return finished.length === 1 ? 'One note is not saved yet' : `${finished.length} notes are not saved yet`;
}

/** @param {string} storageKey */
function finishedKey(storageKey) {
    return `${storageKey}-finished`;
}

/**
 * @param {Storage} storage
 * @param {string} key
 * @param {Draft | Draft[] | null} what
 */
function keep(storage, key, what) {
    if (what === null) storage.removeItem(key);
    else storage.setItem(key, JSON.stringify(what));
}

/**
 * @param {Storage} storage
 * @param {string} storageKey
 * @param {number} now_s
 * @returns {Unsaved}
 */
function restored(storage, storageKey, now_s) {
    // The page's clock starts anew with each load; a save under way gets its full time for an answer again.
    /** @param {Partial<Draft>} draft */
    const ofNow = (draft) => ({ ...newDraft(newClientId()), ...draft, sent_s: now_s, typed_s: now_s });
    /** @type {Draft[]} */
    const finished = JSON.parse(storage.getItem(finishedKey(storageKey)) ?? '[]');
    return { open: ofNow(JSON.parse(storage.getItem(storageKey) ?? '{}')), finished: finished.map(ofNow) };
}
