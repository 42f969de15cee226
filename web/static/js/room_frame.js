// What stands around the room: clock, banners, dialogs, leaving, and what comes after the end.

import { alertNow } from './announce.js';
import { byId, make, setText } from './elements.js';
import { clock } from './format.js';
import { KEY_HELP } from './keys.js';

/** @typedef {import('./room_model.js').RoomModel} RoomModel */

/** A connection may be away this long before the page says so. */
const PATIENCE_MS = 2000;

/** Reasons after which the room is over for everybody. @type {Record<string, string>} */
const OVER = {
    ended: 'The call and the analysis have ended for everybody.',
    cancelled: 'The interview was cancelled.',
    refused: 'This account has no access to the room any more, or the interview is over.',
};

/** Reasons after which this page may come back. @type {Record<string, string>} */
const AWAY = {
    replaced: 'The room was opened in another window. This one is no longer connected.',
    expired: 'This page was away for too long and is no longer connected.',
    shutdown: 'The server was stopped. What was measured is stored.',
    declined: 'This page is no longer connected.',
};

/**
 * @param {object} options
 * @param {import('./dashboard.js').PageData} options.page
 * @param {(event: import('./protocol.js').ClientEvent) => boolean} options.send
 * @param {() => void} options.onLeave
 */
export function createFrame({ page, send, onLeave }) {
    const endDialog = byId('end-dialog', HTMLDialogElement);
    const keysDialog = byId('keys-dialog', HTMLDialogElement);
    const banner = byId('link-banner');
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let patience;
    let shownLink = '';
    /** @type {string[]} */
    let sessions = [];

    byId('open-end').addEventListener('click', () => endDialog.showModal());
    byId('end-cancel').addEventListener('click', () => endDialog.close());
    byId('end-confirm').addEventListener('click', () => {
        endDialog.close();
        send({ type: 'end' });
    });
    byId('leave').addEventListener('click', onLeave);
    byId('open-keys').addEventListener('click', () => keysDialog.showModal());
    byId('keys-close').addEventListener('click', () => keysDialog.close());
    byId('keys-rows').replaceChildren(...KEY_HELP.map(keyRow));
    byId('error-close').addEventListener('click', () => {
        byId('error-banner').hidden = true;
    });
    byId('link-retry').addEventListener('click', () => location.reload());

    /** @param {string} text */
    const showBanner = (text) => {
        setText(byId('link-text'), text);
        banner.hidden = text === '';
        if (text !== '') alertNow(text);
    };

    /** @param {RoomModel} room */
    const showLink = ({ link }) => {
        const key = link.state === 'closed' ? `closed ${link.reason}` : link.state;
        // An attempt to reconnect is still the same absence.
        if (key === shownLink || (key === 'connecting' && shownLink === 'reconnecting')) return;
        shownLink = key;
        clearTimeout(patience);
        if (link.state === 'open') showBanner('');
        else if (link.state === 'reconnecting') {
            patience = setTimeout(
                () => showBanner('The connection to the server is lost. Trying again … Markers and notes are kept.'),
                PATIENCE_MS,
            );
        } else if (link.state === 'closed') showClosed(link.reason);
    };

    /** @param {string} reason */
    const showClosed = (reason) => {
        if (reason === 'left') return;
        byId('room-tools').hidden = true;
        const over = OVER[reason];
        if (over === undefined) {
            byId('link-retry').hidden = false;
            showBanner(AWAY[reason] ?? 'This page is no longer connected.');
            return;
        }
        showBanner('');
        byId('stage').hidden = true;
        byId('after').hidden = false;
        setText(byId('after-text'), over);
        byId('after-links').replaceChildren(...afterLinks(page.interview_id, sessions));
        byId('after-title').focus();
        alertNow(over);
    };

    return {
        /**
         * @param {RoomModel} room
         * @param {number | null} session_s
         */
        show(room, session_s) {
            if (room.session_id !== null && !sessions.includes(room.session_id))
                sessions = [...sessions, room.session_id];
            byId('session-clock').hidden = session_s === null;
            setText(byId('session-time'), clock(session_s));
            showLink(room);
        },
        /** @param {string} message */
        showError(message) {
            setText(byId('error-text'), message);
            byId('error-banner').hidden = false;
            alertNow(message);
        },
        showKeys: () => keysDialog.showModal(),
    };
}

/**
 * @param {string} interviewId
 * @param {string[]} sessions
 * @returns {HTMLElement[]}
 */
function afterLinks(interviewId, sessions) {
    const links = sessions.map((id, i) => {
        const text = sessions.length === 1 ? 'Open the summary' : `Summary of session ${i + 1}`;
        return make('a', { role: 'button', href: `/sessions/${encodeURIComponent(id)}` }, [text]);
    });
    const back = { role: 'button', class: 'secondary', href: `/interviews/${encodeURIComponent(interviewId)}` };
    return [...links, make('a', back, ['The interview’s page'])];
}

/** @param {{keys: string[], text: string}} row */
function keyRow({ keys, text }) {
    const separator = keys[0] === '1' ? ' – ' : ' + ';
    const parts = keys.flatMap((key, i) => (i === 0 ? [make('kbd', {}, [key])] : [separator, make('kbd', {}, [key])]));
    return make('tr', {}, [make('th', { scope: 'row' }, parts), make('td', {}, [text])]);
}
