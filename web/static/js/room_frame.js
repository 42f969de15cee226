// What stands around the room: clock, banners, dialogs, leaving, and what comes after the end.

import { alertNow, announce } from './announce.js';
import { byId, make, setText } from './elements.js';
import { clock, duration } from './format.js';
import { KEY_HELP } from './keys.js';
import { localTime } from './localtime.js';
import { followOutage, noOutage, outageWords } from './outage.js';
import { candidateOf } from './room_model.js';

/** @typedef {import('./room_model.js').RoomModel} RoomModel */

/** Reasons after which there is nothing to come back to, with a heading. @type {Record<string, [string, string]>} */
const OVER = {
    ended: ['The interview has ended', 'The call and the analysis have ended for everybody.'],
    cancelled: ['The interview was cancelled', 'There is no call any more.'],
    refused: ['You have no access to this room', 'You are not among its interviewers any more, or it was deleted.'],
};

/** Reasons after which this page may come back. @type {Record<string, string>} */
const AWAY = {
    replaced: 'The room was opened in another window. This one is no longer connected.',
    expired: 'You were logged out, or are not among the interviewers any more. This page is no longer connected.',
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
    let outage = noOutage();
    let shownKind = '';
    let isClosed = false;
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
    };

    /**
     * @param {RoomModel} room
     * @param {import('./own_media.js').OwnLink} media
     * @param {number} now_s
     */
    const showLink = (room, media, now_s) => {
        if (isClosed) return;
        if (room.link.state === 'closed') {
            isClosed = true;
            showClosed(room.link.reason);
            return;
        }
        const wasRestart = outage.isRestart;
        outage = followOutage(outage, room.link, media, now_s);
        if (wasRestart && !outage.isRestart) showRestarted(room);
        const { kind, text } = outageWords(outage, media, now_s);
        showBanner(text);
        // Said once, not with every second that passes.
        if (kind !== shownKind && kind !== '') alertNow(text);
        if (kind === '' && shownKind !== '') announce('You are connected again.');
        shownKind = kind;
    };

    /** @param {RoomModel} room */
    const showRestarted = (room) => {
        const analysis = room.session_id === null ? '' : ' What was measured is stored; start the analysis again to go on.';
        showError(`The server was restarted.${analysis}`);
    };

    /** @param {string} message */
    const showError = (message) => {
        setText(byId('error-text'), message);
        byId('error-banner').hidden = false;
        alertNow(message);
    };

    /** @param {RoomModel} room */
    const showDraining = ({ server: { draining, until } }) => {
        const line = byId('draining');
        if (line.hidden === !draining) return;
        line.hidden = !draining;
        const latest = until === null ? '' : `, at ${localTime(new Date(until), 'time')} at the latest`;
        const words = `The server will restart when its interviews are over${latest}. New interviews wait until then.`;
        setText(line, draining ? words : '');
        if (draining) announce(words);
    };

    /**
     * @param {RoomModel} room
     * @param {number} now_s
     */
    const showGap = (room, now_s) => {
        const { gap } = room;
        const isShown = gap !== null && gap.id === candidateOf(room)?.id;
        byId('candidate-gap').hidden = !isShown;
        if (!isShown) return;
        const began = new Date(Date.now() - (now_s - gap.began_s) * 1000);
        setText(byId('candidate-gap'), `Last interruption: ${duration(gap.length_s)}, at ${localTime(began, 'time')}.`);
    };

    /** @param {string} reason */
    const showClosed = (reason) => {
        if (reason === 'left') return;
        byId('room-tools').hidden = true;
        const over = OVER[reason];
        if (over === undefined) {
            byId('link-retry').hidden = false;
            const words = AWAY[reason] ?? 'This page is no longer connected.';
            showBanner(words);
            alertNow(words);
            return;
        }
        showBanner('');
        byId('stage').hidden = true;
        byId('after').hidden = false;
        const [title, words] = over;
        setText(byId('after-title'), title);
        setText(byId('after-text'), words);
        byId('after-links').replaceChildren(
            ...(reason === 'refused' ? [overviewLink()] : afterLinks(page.interview_id, sessions)),
        );
        byId('after-title').focus();
        alertNow(words);
    };

    return {
        /**
         * @param {RoomModel} room
         * @param {number | null} session_s
         * @param {import('./own_media.js').OwnLink} media how one's own picture and sound are connected
         * @param {number} now_s page time
         */
        show(room, session_s, media, now_s) {
            if (room.session_id !== null && !sessions.includes(room.session_id))
                sessions = [...sessions, room.session_id];
            byId('session-clock').hidden = session_s === null;
            setText(byId('session-time'), clock(session_s));
            showLink(room, media, now_s);
            showGap(room, now_s);
            showDraining(room);
        },
        showError,
        /** @param {string[]} texts of notes that cannot be stored any more, should the room be over */
        showUnsaved(texts) {
            byId('after-unsaved').hidden = texts.length === 0;
            byId('after-unsaved-notes').replaceChildren(...texts.map((text) => make('li', {}, [text])));
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

function overviewLink() {
    return make('a', { role: 'button', class: 'secondary', href: '/interviews' }, ['All interviews']);
}

/** @param {{keys: string[], text: string}} row */
function keyRow({ keys, text }) {
    const separator = keys[0] === '1' ? ' – ' : ' + ';
    const parts = keys.flatMap((key, i) => (i === 0 ? [make('kbd', {}, [key])] : [separator, make('kbd', {}, [key])]));
    return make('tr', {}, [make('th', { scope: 'row' }, parts), make('td', {}, [text])]);
}
