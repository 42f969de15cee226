// The candidate's page: consent, devices, waiting room, call, end. One step is shown at a time.

import { shared } from './access.js';
import { alertNow, announce } from './announce.js';
import { startCall } from './candidate_call.js';
import { setUpConsents } from './consents_dialog.js';
import { createDeviceCheck } from './device_check.js';
import { appliedAudio } from './devices.js';
import { byId, setText } from './elements.js';
import { failureWords, getAccess, storeConsents } from './join_api.js';
import { createLocalMedia } from './local_media.js';
import { localTime } from './localtime.js';
import { createReach } from './reach.js';
import { reloadOnce } from './reload.js';
import { connect } from './socket.js';

/** @typedef {'consent'|'devices'|'waiting'|'call'|'ended'} Step */
/** @typedef {import('./protocol.js').RoomState} RoomState */

/**
 * What the template tells the page.
 *
 * @typedef {object} Page
 * @property {string} token of the join link
 * @property {string} room_id
 * @property {boolean} has_consented to the call, on an earlier visit
 * @property {boolean} is_over
 * @property {Record<string, string>} versions of the consent texts, by kind
 */

/** @type {Page} */
const page = JSON.parse(byId('join').dataset.page ?? '{}');
/** Set while the person is in the waiting room or the call, so that a reload brings them back there. */
const IS_IN = `composure-in-${page.room_id}`;
/** Set when the page is loaded anew because the person is asked anew. */
const HAS_CHANGED = 'composure-has-changed';
/** @type {Step[]} */
const STEPS = ['consent', 'devices', 'waiting', 'call', 'ended'];

/** So long the server's objection stays on the page. */
const TROUBLE_MS = 10_000;

const form = byId('consent-form', HTMLFormElement);
const media = createLocalMedia({ isAnalysed: () => isTicked('analysis') });
const reach = createReach();
const freshAccess = shared(() => getAccess(page.token));
const check = createDeviceCheck(media, enter);
/** @type {Step} */
let step = 'consent';
/** @type {import('./socket.js').Socket | null} */
let socket = null;
/** @type {import('./candidate_call.js').CandidateCall | null} */
let call = null;
/** @type {import('./join_api.js').Access | null} */
let access = null;
let waitingSince = new Date();
/** On the present connection, and without an answer. */
let hasKnocked = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let troubleTimer;
/** @type {WakeLockSentinel | null} */
let wakeLock = null;

setUpConsents(change);
form.addEventListener('submit', (event) => {
    event.preventDefault();
    void consent();
});
byId('back-to-consent').addEventListener('click', () => show('consent'));
byId('back-to-devices').addEventListener('click', () => {
    retreat();
    show('devices');
});
for (const button of document.querySelectorAll('[data-leave]')) button.addEventListener('click', leave);
byId('take-back').addEventListener('click', () => void takeBack());
byId('rejoin').addEventListener('click', () => location.reload());
document.addEventListener('visibilitychange', () => void keepAwake());
setInterval(drawClock, 1000);

function start() {
    if (page.is_over) return end('ended');
    if (sessionStorage.getItem(HAS_CHANGED) !== null) {
        sessionStorage.removeItem(HAS_CHANGED);
        tell('The interview was changed. Please read what it is now, and decide again.');
    }
    if (page.has_consented && sessionStorage.getItem(IS_IN) !== null) void comeBack();
    else show('consent', { isFirst: true });
    return undefined;
}

/** After a reload: the devices were allowed before, so go straight back in; if not, show the check. */
async function comeBack() {
    show('devices');
    await media.start();
    if (media.devices.audio.track !== null || media.devices.video.track !== null) enter();
}

/**
 * @param {Step} next
 * @param {{isFirst?: boolean}} [how]
 */
function show(next, { isFirst = false } = {}) {
    step = next;
    for (const section of document.querySelectorAll('[data-step]')) {
        /** @type {HTMLElement} */ (section).hidden = /** @type {HTMLElement} */ (section).dataset.step !== next;
    }
    for (const item of document.querySelectorAll('#steps li')) {
        const place = STEPS.indexOf(/** @type {Step} */ (/** @type {HTMLElement} */ (item).dataset.for));
        if (place === STEPS.indexOf(next)) item.setAttribute('aria-current', 'step');
        else item.removeAttribute('aria-current');
        item.classList.toggle('done', place < STEPS.indexOf(next));
    }
    document.body.classList.toggle('in-call', next === 'call');
    document.body.classList.toggle('is-over', next === 'ended');
    if (next === 'devices') check.show();
    else check.hide();
    void keepAwake();
    // A new step is a new page to a keyboard or a screen reader: begin at its heading.
    if (isFirst) return;
    byId(`${next}-title`).focus({ preventScroll: true });
    scrollTo(0, 0);
}

/** @param {string} kind */
function isTicked(kind) {
    const box = form.elements.namedItem(kind);
    return box instanceof HTMLInputElement && box.checked;
}

async function consent() {
    const trouble = byId('consent-error');
    trouble.hidden = true;
    if (!isTicked('call')) {
        return refuse('To take part, tick the box of the call. If you do not want to take part, close this page.');
    }
    const answers = Object.entries(page.versions).map(([kind, text_version]) => ({
        kind,
        granted: isTicked(kind),
        text_version,
    }));
    const button = /** @type {HTMLButtonElement} */ (form.querySelector('[type="submit"]'));
    button.disabled = true;
    try {
        await storeConsents(page.token, answers);
        for (const { kind, granted } of answers) mirror(kind, granted);
        show('devices');
    } catch (error) {
        refuse(failureWords(error));
    } finally {
        button.disabled = false;
    }
    return undefined;
}

/** @param {string} sentence */
function refuse(sentence) {
    const trouble = byId('consent-error');
    setText(trouble, sentence);
    trouble.hidden = false;
    alertNow(sentence);
    const box = form.elements.namedItem('call');
    if (box instanceof HTMLInputElement && !box.checked) box.focus();
}

/** @param {import('./join_api.js').Answer} answer of the dialog in the call */
async function change(answer) {
    await storeConsents(page.token, [answer]);
    mirror(answer.kind, answer.granted);
    // What the server did not keep of them without this consent.
    if (answer.granted) sendDevices();
}

/**
 * Show an answer that is stored in the form and in the dialog of the call.
 *
 * @param {string} kind
 * @param {boolean} granted
 */
function mirror(kind, granted) {
    for (const box of [document.querySelector(`[data-consent="${kind}"]`), form.elements.namedItem(kind)]) {
        if (box instanceof HTMLInputElement) box.checked = granted;
    }
}

async function freshToken() {
    access = await freshAccess();
    return access.token;
}

function enter() {
    if (socket !== null) return;
    sessionStorage.setItem(IS_IN, '1');
    waitingSince = new Date();
    setText(byId('waiting-words'), 'Connecting …');
    show('waiting');
    drawClock();
    media.onchange = () => sendDevices();
    socket = connect({ roomId: page.room_id, getToken: freshToken, onEvent: received, onStatus: connectionChanged, reach });
}

/** Leave the room for the step before, keeping the devices. */
function retreat() {
    sessionStorage.removeItem(IS_IN);
    const closing = call?.close() ?? Promise.resolve();
    call = null;
    const old = socket;
    socket = null;
    // Media first: leaving makes the server forget the connections that we are about to give back.
    void closing.finally(() => old?.close());
    byId('analysis-sign').hidden = true;
}

function leave() {
    end('left');
}

/** @param {import('./socket.js').SocketStatus} status */
function connectionChanged(status) {
    const isLost = status.state === 'reconnecting';
    const isRestart = isLost && status.isRestart;
    if (isLost || status.state === 'open') call?.signalling({ isLost, isRestart });
    document.querySelector('.pulse')?.classList.toggle('lost', isLost);
    if (isLost) {
        const what = isRestart ? 'The server is being restarted.' : 'The connection was interrupted.';
        setText(byId('waiting-words'), `${what} This page reconnects by itself; your place is kept.`);
    }
    if (status.state === 'open') {
        hasKnocked = false;
        sendDevices();
    }
    if (status.state === 'closed' && socket !== null) end(status.reason);
}

/** @param {import('./protocol.js').ServerEvent} event */
function received(event) {
    // While we leave, the room still has news; they are no longer for us.
    if (socket === null) return;
    if (event.type === 'state') roomChanged(event);
    else if (event.type === 'error' && event.code === 'no_consent') askAnew();
    else if (event.type === 'error') tell(event.message);
}

/** The purpose was changed, and what was agreed to is void: the server shows the texts as they are now. */
function askAnew() {
    sessionStorage.setItem(HAS_CHANGED, '1');
    if (!reloadOnce('consent')) end('refused');
}

function knock() {
    if (hasKnocked) return;
    hasKnocked = socket?.send({ type: 'knock' }) ?? false;
}

/** @param {string} words what the server could not do */
function tell(words) {
    const trouble = byId('trouble');
    setText(trouble, words);
    trouble.hidden = false;
    clearTimeout(troubleTimer);
    troubleTimer = setTimeout(() => {
        trouble.hidden = true;
    }, TROUBLE_MS);
}

/** @param {RoomState} room */
function roomChanged(room) {
    showAnalysis(room.analysis.on);
    if (room.you !== 'admitted' && call !== null) putBack();
    if (room.you === 'absent') knock();
    else hasKnocked = false;
    if (room.you === 'waiting') drawWaiting(room);
    else if (room.you === 'admitted') {
        if (call === null) admitted();
        call?.update(room.participants);
    }
}

/** Away for longer than the grace: the interviewer lets the person in again. */
function putBack() {
    void call?.close();
    call = null;
    media.onchange = () => sendDevices();
    waitingSince = new Date();
    show('waiting');
    drawClock();
    announce('You were away for a while and are in the waiting room again.');
}

/** @param {boolean} isOn */
function showAnalysis(isOn) {
    const sign = byId('analysis-sign');
    if (sign.hidden === !isOn) return;
    sign.hidden = !isOn;
    announce(isOn ? 'Analysis is on.' : 'Analysis is off.');
}

/** @param {RoomState} room */
function drawWaiting(room) {
    const here = room.participants.filter(({ role, presence }) => role === 'interviewer' && presence === 'present');
    const names = new Intl.ListFormat('en').format(here.map(({ name }) => name));
    const isHeldUp = room.server?.draining === true && room.status !== 'live';
    const words = isHeldUp
        ? 'The server is about to restart, so nobody can be let in just now. Stay here: this page connects again by itself.'
        : here.length > 0
            ? `${names} ${here.length === 1 ? 'has' : 'have'} been told that you are here and can let you in.`
            : 'The interviewer is not here yet and will be told at once that you are waiting.';
    if (byId('waiting-words').textContent !== words) {
        setText(byId('waiting-words'), words);
        announce(words);
    }
}

function admitted() {
    show('call');
    announce('You have been let in.');
    call = startCall({
        roomId: page.room_id,
        media,
        getToken: freshToken,
        getIceServers: () => access?.ice_servers ?? [],
        reach,
        kbps: access?.video_kbps ?? 1500,
        ondevices: sendDevices,
    });
    sendDevices();
}

function sendDevices() {
    const { audio, video } = media.devices;
    socket?.send({
        type: 'devices',
        microphone: audio.track !== null && !call?.isMuted(),
        camera: video.track !== null,
        // Without a microphone nothing is said of its processing; what was said of the last one stays.
        ...(audio.track === null ? {} : { settings: appliedAudio(audio.track) }),
    });
}

function drawClock() {
    if (step !== 'waiting') return;
    const minutes = Math.floor((Date.now() - waitingSince.getTime()) / 60_000);
    setText(byId('waiting-clock'), localTime(new Date(), 'time'));
    setText(byId('waiting-since'), minutes === 0 ? 'less than a minute' : `${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`);
}

/** Keep the screen on while the person waits or talks; browsers that cannot are left alone. */
async function keepAwake() {
    const isNeeded = (step === 'waiting' || step === 'call') && document.visibilityState === 'visible';
    if (!isNeeded) {
        await wakeLock?.release();
        wakeLock = null;
        return;
    }
    if (wakeLock !== null && !wakeLock.released) return;
    wakeLock = (await navigator.wakeLock?.request('screen').catch(() => null)) ?? null;
}

/** @type {Record<string, [string, string]>} */
const ENDINGS = {
    ended: ['The interview has ended', 'Thank you for taking part. You can close this page.'],
    left: ['You have left', 'You can come back as long as the interview is not over.'],
    declined: ['You were not let in', 'The interviewer did not let you in this time. If you think that this is a mistake, please write to them.'],
    cancelled: ['The interview was cancelled', 'The interviewer has called it off. Please ask them about another time.'],
    replaced: ['Opened somewhere else', 'This interview was opened in another window or on another device and goes on there.'],
    expired: ['The link is no longer valid', 'Please ask the interviewer for a new link.'],
    refused: ['You cannot go in with this link', 'It may have been replaced, or the interview is over. Please ask the interviewer.'],
};

/** @param {string} reason */
function end(reason) {
    retreat();
    media.stop();
    const [title, words] = ENDINGS[reason] ?? ENDINGS.ended ?? ['', ''];
    setText(byId('ended-title'), title);
    setText(byId('ended-words'), words);
    byId('rejoin').hidden = !['left', 'replaced', 'refused'].includes(reason);
    byId('standing').hidden = ['replaced', 'refused'].includes(reason) || standing().length === 0;
    show('ended');
}

/** @returns {string[]} the kinds of consent that stand, besides the one to the call */
function standing() {
    return Object.keys(page.versions).filter((kind) => {
        const box = document.querySelector(`[data-consent="${kind}"]`);
        return kind !== 'call' && box instanceof HTMLInputElement && box.checked;
    });
}

async function takeBack() {
    const answers = standing().map((kind) => ({ kind, granted: false, text_version: page.versions[kind] ?? '' }));
    try {
        await storeConsents(page.token, answers);
        for (const { kind } of answers) mirror(kind, false);
        byId('standing').hidden = true;
        setText(byId('taken-back'), 'You have taken it back.');
        announce('You have taken it back.');
    } catch (error) {
        setText(byId('taken-back'), failureWords(error));
    }
}

start();
