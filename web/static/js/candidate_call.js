// The candidate's call: send oneself, see and hear the interviewers, mute, camera. Carries no measurements.

import { alertNow, announce } from './announce.js';
import { publish, watch } from './call.js';
import { showProblem } from './device_check.js';
import { byId, make, setText, syncList } from './elements.js';
import { fitTile } from './fit.js';

/** @typedef {import('./devices.js').Kind} Kind */
/** @typedef {import('./local_media.js').LocalMedia} LocalMedia */
/** @typedef {import('./protocol.js').ParticipantState} ParticipantState */

/** A connection that is away this long is worth a banner. */
const BANNER_AFTER_MS = 1500;

/** What the candidate reads while something is not connected. */
const LOST = 'The connection was interrupted. This page reconnects by itself; please stay here.';
const RESTART = 'The server is being restarted. This page reconnects by itself; please stay here.';

/** Set while the person has silenced the microphone, so that a reload does not open it again. */
const IS_MUTED = 'composure-muted';

/**
 * @typedef {object} CallOptions
 * @property {string} roomId
 * @property {LocalMedia} media
 * @property {() => Promise<string>} getToken
 * @property {() => RTCIceServer[]} getIceServers
 * @property {import('./reach.js').Reach} reach
 * @property {number} kbps
 * @property {() => void} ondevices microphone or camera went on or off
 */

/**
 * @typedef {object} CandidateCall
 * @property {(participants: ParticipantState[]) => void} update show who is there now
 * @property {(how: {isLost: boolean, isRestart: boolean}) => void} signalling the websocket was lost or is back
 * @property {() => boolean} isMuted
 * @property {() => Promise<void>} close settles when the server was told
 */

/**
 * Start the call. The page shows its step `call` already.
 *
 * @param {CallOptions} options
 * @returns {CandidateCall}
 */
export function startCall({ roomId, media, getToken, getIceServers, reach, kbps, ondevices }) {
    const room = encodeURIComponent(roomId);
    const mute = byId('mute', HTMLButtonElement);
    const camera = byId('camera', HTMLButtonElement);
    const self = byId('self', HTMLVideoElement);
    const publication = publish({ url: `/whip/${room}`, getToken, stream: media.stream(), kbps, getIceServers, reach });
    /** @type {Map<string, {link: import('./call.js').Watch, tile: HTMLElement}>} */
    const watched = new Map();
    const listening = new AbortController();
    let isMuted = sessionStorage.getItem(IS_MUTED) !== null;
    let signalling = { isLost: false, isRestart: false };
    let isOffline = false;
    /** What the server said of one's own picture and sound while it does not take them. */
    let publicationWords = '';
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let bannerTimer;

    fitTile(self, byId('self-tile'));
    publication.onstate = (_, message) => {
        publicationWords = message ?? '';
        connectionChanged();
    };
    for (const event of ['online', 'offline']) {
        globalThis.addEventListener(
            event,
            () => {
                isOffline = event === 'offline';
                connectionChanged();
            },
            { signal: listening.signal },
        );
    }
    media.onchange = (kind) => {
        if (kind === null) return;
        void publication.replaceTrack(kind, media.devices[kind].track);
        draw();
        ondevices();
    };
    mute.addEventListener('click', toggleMute, { signal: listening.signal });
    camera.addEventListener('click', () => void media.setWanted('video', !media.devices.video.isWanted), {
        signal: listening.signal,
    });
    document.addEventListener('visibilitychange', resumeAfterPause, { signal: listening.signal });
    publication.setMuted('audio', isMuted);
    draw();

    function toggleMute() {
        // A microphone that never opened is asked for; one that is open is only silenced, so that it is back at once.
        if (media.devices.audio.track === null) {
            isMuted = false;
            void media.setWanted('audio', true);
        } else {
            isMuted = !isMuted;
        }
        if (isMuted) sessionStorage.setItem(IS_MUTED, '1');
        else sessionStorage.removeItem(IS_MUTED);
        publication.setMuted('audio', isMuted);
        draw();
        ondevices();
    }

    function draw() {
        const { audio, video } = media.devices;
        press(mute, audio.track !== null && !isMuted);
        press(camera, video.track !== null);
        camera.disabled = video.isOpening;
        const present = self.srcObject instanceof MediaStream ? (self.srcObject.getVideoTracks()[0] ?? null) : null;
        if (present !== video.track) self.srcObject = video.track === null ? null : new MediaStream([video.track]);
        byId('self-note').hidden = video.track !== null;
        const kind = audio.problem !== null ? 'audio' : 'video';
        showProblem(byId('call-problem'), media.devices[kind].problem, () => void media.retry(kind));
    }

    function connectionChanged() {
        clearTimeout(bannerTimer);
        if (publication.state === 'refused') {
            showBanner('The server does not take your picture and sound. Please reload the page.');
            return;
        }
        const words = lostWords();
        // The last picture stands there: it must not look live.
        byId('stage').classList.toggle('is-still', words !== '');
        if (words === '') {
            if (!byId('banner').hidden) announce('You are connected again.');
            byId('banner').hidden = true;
        } else if (byId('banner').hidden && words !== RESTART) {
            bannerTimer = setTimeout(() => showBanner(words), BANNER_AFTER_MS);
        } else showBanner(words);
    }

    /** @returns {string} empty while all is well */
    function lostWords() {
        if (signalling.isRestart) return RESTART;
        if (publication.state === 'waiting' && publicationWords !== '') {
            return `${publicationWords} This page tries again by itself.`;
        }
        return signalling.isLost || isOffline || publication.state === 'interrupted' ? LOST : '';
    }

    /** @param {string} words */
    function showBanner(words) {
        const isNews = byId('banner').hidden || byId('banner-words').textContent !== words;
        setText(byId('banner-words'), words);
        byId('banner').hidden = false;
        if (isNews) alertNow(words);
    }

    /** @param {ParticipantState[]} participants */
    function update(participants) {
        const others = participants.filter(({ role, presence }) => role === 'interviewer' && presence !== 'absent');
        const ids = new Set(others.map(({ id }) => id));
        // Not as soon as nothing comes: the server keeps this connection for when the sending goes on.
        for (const id of watched.keys()) if (!ids.has(id)) void stopWatching(id);
        for (const { id, publishing } of others) if (publishing && !watched.has(id)) startWatching(id);
        byId('stage-empty').hidden = others.length > 0;
        syncList(byId('tiles'), others, ({ id }) => id, makeTile, drawTile);
    }

    /** @param {string} id */
    function startWatching(id) {
        const link = watch({ url: `/whep/${room}/${encodeURIComponent(id)}`, getToken, getIceServers, reach });
        const tile = makeVideo();
        tile.srcObject = link.stream;
        watched.set(id, { link, tile });
    }

    /** @param {string} id */
    async function stopWatching(id) {
        const known = watched.get(id);
        watched.delete(id);
        known?.tile.remove();
        await known?.link.close();
    }

    /** @param {HTMLElement} tile @param {ParticipantState} person */
    function drawTile(tile, person) {
        const video = watched.get(person.id)?.tile;
        if (video !== undefined && video.parentElement !== tile) {
            tile.prepend(video);
            fitTile(/** @type {HTMLVideoElement} */ (video), tile);
            void play(/** @type {HTMLVideoElement} */ (video), tile);
        }
        video?.setAttribute('aria-label', `Picture and sound of ${person.name}`);
        if (video !== undefined) video.hidden = !person.camera;
        setText(/** @type {HTMLElement} */ (tile.querySelector('.tile-name')), nameOf(person));
        setText(/** @type {HTMLElement} */ (tile.querySelector('.tile-note')), noteOf(person));
    }

    /** A phone call or another app may have paused sounds and pictures: start them again when the page is back. */
    function resumeAfterPause() {
        if (document.visibilityState !== 'visible') return;
        for (const { tile } of watched.values()) {
            const video = /** @type {HTMLVideoElement} */ (tile);
            if (video.paused && video.parentElement !== null) void play(video, video.parentElement);
        }
    }

    return {
        update,
        signalling(how) {
            signalling = how;
            connectionChanged();
        },
        isMuted: () => isMuted,
        async close() {
            clearTimeout(bannerTimer);
            listening.abort();
            byId('banner').hidden = true;
            byId('stage').classList.remove('is-still');
            self.srcObject = null;
            await Promise.all([publication.close(), ...[...watched.keys()].map(stopWatching)]);
        },
    };
}

/**
 * Show a device's button as on or off. Its name stays the same, the state is what changes.
 *
 * @param {HTMLButtonElement} button
 * @param {boolean} isOn
 */
function press(button, isOn) {
    button.setAttribute('aria-pressed', String(isOn));
    setText(/** @type {HTMLElement} */ (button.querySelector('.on-off')), isOn ? 'on' : 'off');
}

/** @param {ParticipantState} person */
function nameOf(person) {
    return person.microphone || !person.publishing ? person.name : `${person.name} (muted)`;
}

/** @param {ParticipantState} person */
function noteOf(person) {
    if (person.presence === 'interrupted') return `${person.name}’s connection was lost. Waiting for them to come back …`;
    if (!person.publishing) return `${person.name} is here. No picture or sound at the moment.`;
    return person.camera ? '' : 'The camera is off';
}

function makeTile() {
    return make('div', { class: 'video-tile' }, [
        make('p', { class: 'tile-note' }),
        make('span', { class: 'tile-name' }),
    ]);
}

function makeVideo() {
    const video = make('video', { playsinline: '' });
    video.autoplay = true;
    return video;
}

/**
 * Play, or offer a button where the browser wants a click before it makes sounds.
 *
 * @param {HTMLVideoElement} video
 * @param {HTMLElement} tile
 */
async function play(video, tile) {
    try {
        await video.play();
    } catch (error) {
        if (!(error instanceof Error) || error.name !== 'NotAllowedError' || tile.querySelector('button')) return;
        const button = make('button', { type: 'button' }, ['Turn the sound on']);
        button.addEventListener('click', () => {
            button.remove();
            void video.play();
        });
        tile.append(button);
        alertNow('Your browser needs a click before it plays sound: Turn the sound on.');
    }
}
