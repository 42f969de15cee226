// One's own camera and microphone in the call: what is sent, muting, the preview's controls.

import { publish } from './call.js';
import { byId, setText } from './elements.js';
import { fitTile } from './fit.js';

/** @typedef {import('./local_media.js').LocalMedia} LocalMedia */
/** @typedef {import('./call.js').Publication} Publication */
/** @typedef {import('./devices.js').Kind} Kind */

/** @typedef {{state: import('./link.js').LinkState, message: string | null} | null} OwnLink null: nothing is sent */

/**
 * @typedef {object} OwnMedia
 * @property {() => void} toggleMicrophone
 * @property {() => void} toggleCamera
 * @property {() => {microphone: boolean, camera: boolean}} state what the others get
 * @property {() => OwnLink} link how the sending stands
 * @property {() => Promise<void>} close
 */

/**
 * Publish the chosen devices and keep them in step with the controls.
 *
 * @param {object} options
 * @param {LocalMedia} options.media
 * @param {string} options.url WHIP endpoint
 * @param {() => Promise<string>} options.getToken
 * @param {number} options.kbps
 * @param {() => RTCIceServer[]} options.getIceServers
 * @param {import('./reach.js').Reach} options.reach
 * @param {() => void} options.onDevices called when microphone or camera went on or off
 * @returns {OwnMedia}
 */
export function createOwnMedia({ media, url, getToken, kbps, getIceServers, reach, onDevices }) {
    const { devices } = media;
    const video = byId('own-video', HTMLVideoElement);
    const problemLine = byId('own-problem');
    fitTile(video, byId('own-tile'));
    /** @type {Publication | null} */
    let publication = null;
    let isMuted = false;
    let isClosed = false;
    let told = '';
    /** @type {OwnLink} */
    let link = null;

    const state = () => ({
        microphone: devices.audio.track !== null && !isMuted,
        camera: devices.video.track !== null,
    });

    const send = () => {
        if (publication === null) {
            if (devices.audio.track === null && devices.video.track === null) return;
            publication = publish({ url, getToken, stream: media.stream(), kbps, getIceServers, reach });
            publication.onstate = (linkState, message) => {
                link = { state: linkState, message };
            };
            publication.setMuted('audio', isMuted);
            return;
        }
        void publication.replaceTrack('audio', devices.audio.track);
        void publication.replaceTrack('video', devices.video.track);
    };

    const show = () => {
        const { microphone, camera } = state();
        showToggle('toggle-microphone', microphone);
        showToggle('toggle-camera', camera);
        const track = devices.video.track;
        const shown = /** @type {MediaStream | null} */ (video.srcObject)?.getVideoTracks()[0] ?? null;
        if (shown !== track) video.srcObject = track === null ? null : new MediaStream([track]);
        byId('own-note').hidden = camera;
        setText(byId('own-note'), devices.video.isOpening ? 'Opening …' : 'Camera off');
        const problem = devices.audio.problem ?? devices.video.problem;
        problemLine.hidden = problem === null;
        setText(problemLine, problem === null ? '' : `${problem.sentence} ${problem.help}`);
        const now = `${microphone} ${camera}`;
        if (now !== told) {
            told = now;
            onDevices();
        }
    };

    media.onchange = () => {
        send();
        show();
    };

    const own = {
        toggleMicrophone() {
            if (isClosed) return;
            if (devices.audio.track === null) {
                isMuted = false;
                void media.setWanted('audio', true);
            } else isMuted = !isMuted;
            publication?.setMuted('audio', isMuted);
            show();
        },
        toggleCamera() {
            if (isClosed) return;
            void media.setWanted('video', devices.video.track === null);
        },
        state,
        link: () => link,
        async close() {
            isClosed = true;
            media.onchange = () => {};
            media.stop();
            video.srcObject = null;
            await publication?.close();
        },
    };
    byId('toggle-microphone').addEventListener('click', own.toggleMicrophone);
    byId('toggle-camera').addEventListener('click', own.toggleCamera);
    media.onchange(null);
    return own;
}

/**
 * @param {string} id
 * @param {boolean} isOn
 */
function showToggle(id, isOn) {
    const button = byId(id);
    button.setAttribute('aria-pressed', String(isOn));
    setText(/** @type {Element} */ (button.querySelector('.on-off')), isOn ? 'on' : 'off');
}
