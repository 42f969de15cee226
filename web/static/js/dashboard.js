// The interviewer's dashboard: ready step, then one room, its views, and what the interviewer does in it.

import { accessTo } from './access.js';
import { alertNow, announce } from './announce.js';
import { newClientId } from './client_id.js';
import { createConnectionLine } from './connection_line.js';
import { byId, setText } from './elements.js';
import { createCaptions } from './captions.js';
import { createCallPanel } from './call_panel.js';
import { createExplanation } from './explanation.js';
import { createKeptMarks } from './kept_marks.js';
import { keyAction, takesText } from './keys.js';
import { createKnock } from './knock.js';
import { createLivePanel } from './live_panel.js';
import { createLocalMedia } from './local_media.js';
import { createMarkerLists } from './marker_lists.js';
import { markEvent } from './marks.js';
import { followLive, newLiveNews, peakNews, peopleNews } from './news.js';
import { createNotes } from './notes.js';
import { runReadyStep } from './ready.js';
import { createFrame } from './room_frame.js';
import { candidateOf, currentQuestion, newRoom, received, resumeFrom, sessionTimeS } from './room_model.js';
import { createReach } from './reach.js';
import { connect } from './socket.js';
import { share } from './format.js';

/** @typedef {import('./protocol.js').ClientEvent} ClientEvent */
/** @typedef {import('./protocol.js').ServerEvent} ServerEvent */
/** @typedef {import('./room_model.js').RoomModel} RoomModel */

/**
 * @typedef {object} PageData
 * @property {string} interview_id
 * @property {string} candidate_name
 * @property {boolean} is_purpose_analysed
 */

const TICK_MS = 500;

/** The other marking button reaches back by so much. */
const BEFORE_S = 5;

const page = /** @type {PageData} */ (JSON.parse(byId('room-data').textContent ?? ''));
const csrf = document.querySelector('meta[name="csrf"]')?.getAttribute('content') ?? '';
const getAccess = accessTo({ url: `/api/interviews/${encodeURIComponent(page.interview_id)}/access`, csrf });

const now_s = () => performance.now() / 1000;

/**
 * @param {import('./local_media.js').LocalMedia} media
 * @param {import('./join_api.js').Access} first
 */
function enterRoom(media, first) {
    let access = first;
    let room = newRoom();
    let news = newLiveNews();
    /** @type {Promise<void> | undefined} the end of the call */
    let closing;
    const reach = createReach();
    const session_s = () => sessionTimeS(room, now_s());
    const getToken = async () => {
        access = await getAccess();
        return access.token;
    };

    /** @param {ClientEvent} event */
    const send = (event) => {
        const isSent = socket.send(event);
        if (!isSent) alertNow('Not possible at the moment: there is no connection to the server.');
        return isSent;
    };

    const frame = createFrame({ page, send, onLeave: leave });
    const live = createLivePanel({ page, send });
    const captions = createCaptions();
    const explanation = createExplanation({ send, now_s });
    const connection = createConnectionLine({ interviewId: page.interview_id, me: access.participant_id, reach });
    const knock = createKnock({
        onAdmit: () => send({ type: 'admit' }),
        onDecline: () => send({ type: 'decline' }),
    });
    const call = createCallPanel({
        media,
        access,
        getToken,
        getIceServers: () => access.ice_servers,
        reach,
        now_s,
        onDevices: (devices) => socket?.send({ type: 'devices', ...devices }),
    });
    const marks = createKeptMarks({
        send: (event) => socket.send(event),
        storageKey: `composure-marks-${page.interview_id}`,
        newId: newClientId,
    });
    const notes = createNotes({
        send: (event) => socket.send(event),
        now_s,
        session_s,
        storageKey: `composure-note-${page.interview_id}`,
    });
    const showLists = createMarkerLists({
        onQuestion: askQuestion,
        onPeak: (peak) => marks.add(markEvent('peak', peak.t_s, { label: `Stress ${share(peak.stress)}` })),
        onDelete: (marker) => send({ type: 'delete_marker', id: marker.id }),
    });

    /** @param {RoomModel} next */
    function become(next) {
        const before = room;
        room = next;
        const texts = peopleNews(before, room);
        if (!live.isQuiet()) texts.push(...peakNews(before, room));
        if (texts.length > 0) announce(texts.join(' '));
        call.show(room);
        const candidate = candidateOf(room);
        knock(candidate?.presence === 'waiting' ? candidate.name : null);
        notes.show(room.notes);
        if (before.markers !== room.markers || before.peaks !== room.peaks || before.questions !== room.questions) {
            showLists(room);
        }
        live.show(room, now_s(), {
            hasNewData: before.estimates !== room.estimates || before.markers !== room.markers,
        });
        frame.show(room, session_s(), call.link(), now_s());
        explanation.tick(room.analysis.on, session_s());
        byId('mark-before').hidden = !room.analysis.on;
    }

    function tick() {
        const view = live.show(room, now_s(), { hasNewData: false });
        frame.show(room, session_s(), call.link(), now_s());
        call.show(room);
        notes.tick(now_s());
        explanation.tick(room.analysis.on, session_s());
        const followed = followLive(news, view, now_s());
        news = followed.state;
        if (followed.text !== null && !live.isQuiet()) announce(followed.text);
    }

    /** @param {number} index */
    function askQuestion(index) {
        const question = room.questions[index];
        if (question === undefined) return;
        marks.add(markEvent('question', session_s(), { question }));
        announce(`Question ${index + 1}`);
    }

    /** @param {number} ago_s for what one notices only when it is over */
    function markMoment(ago_s) {
        const t_s = session_s();
        marks.add(markEvent('moment', t_s === null ? null : Math.max(0, t_s - ago_s)));
        announce(ago_s === 0 ? 'Marked' : `Marked ${ago_s} seconds ago`);
    }

    /** The connection is over for good: nothing of oneself is sent, nothing of the others is shown. */
    function close() {
        clearInterval(timer);
        connection.stop();
        knock(null);
        closing ??= call.close();
    }

    async function leave() {
        socket.close();
        await closing;
        location.assign(`/interviews/${encodeURIComponent(page.interview_id)}`);
    }

    /** @param {ServerEvent} event */
    function onEvent(event) {
        become(received(room, event, now_s()));
        captions.take(event, room.analysis);
        if (event.type === 'explanation') explanation.take(event);
        if (event.type === 'error') frame.showError(event.message);
        if (event.type === 'state') connection.showServer(event);
        if (event.type === 'welcome') socket.send({ type: 'devices', ...call.devices() });
        marks.take(event);
    }

    /** @param {import('./socket.js').SocketStatus} link */
    function linkChanged(link) {
        become({ ...room, link });
        if (link.state !== 'closed') return;
        frame.showUnsaved(notes.unsaved());
        close();
    }

    const socket = connect({
        roomId: access.room_id,
        getToken,
        onEvent,
        onStatus: linkChanged,
        resumeFrom: () => resumeFrom(room),
        reach,
    });
    const timer = setInterval(tick, TICK_MS);

    byId('mark-moment').addEventListener('click', () => markMoment(0));
    byId('mark-before').addEventListener('click', () => markMoment(BEFORE_S));
    byId('next-question').addEventListener('click', () => askQuestion(currentQuestion(room) + 1));
    document.addEventListener('keydown', (event) => {
        const where = {
            isTyping: takesText(/** @type {HTMLElement | null} */ (event.target)),
            hasDialog: document.querySelector('dialog[open]') !== null,
        };
        const action = keyAction(event, where);
        if (action === null) return;
        event.preventDefault();
        if (action.do === 'moment') markMoment(0);
        else if (action.do === 'moment-before') markMoment(BEFORE_S);
        else if (action.do === 'next-question') askQuestion(currentQuestion(room) + 1);
        else if (action.do === 'question') askQuestion(action.index);
        else if (action.do === 'note') notes.focus();
        else if (action.do === 'explain') {
            if (!live.isQuiet()) explanation.ask();
        } else if (action.do === 'microphone') call.toggleMicrophone();
        else if (action.do === 'camera') call.toggleCamera();
        else frame.showKeys();
    });
    globalThis.addEventListener('pagehide', () => media.stop());
}

const media = createLocalMedia({ isAnalysed: () => false });
await runReadyStep(media);
byId('stage').hidden = false;
try {
    enterRoom(media, await getAccess());
    byId('room-tools').hidden = false;
} catch (error) {
    media.stop();
    byId('stage').hidden = true;
    byId('link-banner').hidden = false;
    byId('link-retry').hidden = false;
    byId('link-retry').addEventListener('click', () => location.reload());
    setText(byId('link-text'), 'The room cannot be entered: the server gives no access. Is the interview over?');
    alertNow('The room cannot be entered.');
    throw error;
}
