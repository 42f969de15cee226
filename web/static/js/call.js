// Publish one's own camera and microphone (WHIP) and watch another person (WHEP). Protocol only: no DOM.
//
// Both reconnect by themselves (link.js) until `close()` or until the server refuses for good.

import { openLink } from './link.js';

/** @typedef {import('./link.js').LinkState} LinkState */
/** @typedef {'audio'|'video'} Kind */
/** @typedef {(state: LinkState, message: string | null) => void} StateListener */

/**
 * @typedef {object} PublishOptions
 * @property {string} url `/whip/{room_id}`
 * @property {string} [token] an access token with the grant `publish`; or
 * @property {() => Promise<string>} [getToken] asked before every attempt
 * @property {MediaStream} stream what to send; either kind may be missing and be added later by `replaceTrack`
 * @property {number} kbps upper limit of the video bit rate, kbit/s
 * @property {() => RTCIceServer[]} getIceServers
 * @property {import('./reach.js').Reach} [reach] shared by all connections of a page
 */

/**
 * @typedef {object} Publication
 * @property {LinkState} state
 * @property {RTCPeerConnection | null} pc the present connection, for statistics
 * @property {StateListener | null} onstate set by the caller
 * @property {(kind: Kind, track: MediaStreamTrack | null) => Promise<void>} replaceTrack
 *     send another track, or none; nothing is stopped
 * @property {(kind: Kind, muted: boolean) => void} setMuted
 *     silence or blacken the track; to switch a camera's light off stop the track and `replaceTrack('video', null)`
 * @property {() => Promise<void>} close
 */

/**
 * @typedef {object} WatchOptions
 * @property {string} url `/whep/{room_id}/{participant_id}`
 * @property {string} [token] an access token with the grant `watch`; or
 * @property {() => Promise<string>} [getToken]
 * @property {() => RTCIceServer[]} getIceServers
 * @property {import('./reach.js').Reach} [reach] shared by all connections of a page
 */

/**
 * @typedef {object} Watch
 * @property {LinkState} state
 * @property {RTCPeerConnection | null} pc
 * @property {MediaStream} stream stays the same object over reconnections: give it to a video element once
 * @property {StateListener | null} onstate
 * @property {() => Promise<void>} close
 */

/**
 * Send a stream to the server.
 *
 * @param {PublishOptions} options
 * @returns {Publication}
 */
export function publish(options) {
    /** @type {Record<Kind, MediaStreamTrack | null>} */
    const tracks = { audio: options.stream.getAudioTracks()[0] ?? null, video: options.stream.getVideoTracks()[0] ?? null };
    /** @type {Record<Kind, boolean>} */
    const muted = { audio: false, video: false };
    /** @type {Partial<Record<Kind, RTCRtpSender>>} */
    let senders = {};

    const link = openLink({
        url: options.url,
        getToken: tokenSource(options),
        getIceServers: options.getIceServers,
        reach: options.reach,
        isReplaced: true,
        prepare(pc) {
            senders = {
                audio: pc.addTransceiver(tracks.audio ?? 'audio', { direction: 'sendonly' }).sender,
                video: addVideo(pc, tracks.video, options.kbps),
            };
        },
        onstate: (state, message) => publication.onstate?.(state, message),
    });

    /** @type {Publication} */
    const publication = {
        get state() {
            return link.state;
        },
        get pc() {
            return link.pc;
        },
        onstate: null,
        async replaceTrack(kind, track) {
            tracks[kind] = track;
            apply(kind);
            await senders[kind]?.replaceTrack(track);
        },
        setMuted(kind, value) {
            muted[kind] = value;
            apply(kind);
        },
        close: () => link.close(),
    };

    /** @param {Kind} kind */
    function apply(kind) {
        const track = tracks[kind];
        if (track === null) return;
        track.enabled = !muted[kind];
        if (kind === 'video') track.contentHint = 'detail';
    }

    apply('audio');
    apply('video');
    return publication;
}

/**
 * Receive a person's picture and sound.
 *
 * @param {WatchOptions} options
 * @returns {Watch}
 */
export function watch(options) {
    const stream = new MediaStream();
    const link = openLink({
        url: options.url,
        getToken: tokenSource(options),
        getIceServers: options.getIceServers,
        reach: options.reach,
        prepare(pc) {
            for (const track of stream.getTracks()) stream.removeTrack(track);
            for (const kind of ['audio', 'video']) {
                const { receiver } = pc.addTransceiver(kind, { direction: 'recvonly' });
                stream.addTrack(receiver.track);
            }
        },
        onstate: (state, message) => watching.onstate?.(state, message),
    });

    /** @type {Watch} */
    const watching = {
        get state() {
            return link.state;
        },
        get pc() {
            return link.pc;
        },
        stream,
        onstate: null,
        close: () => link.close(),
    };
    return watching;
}

/**
 * Add the video sender: VP8 first (every browser decodes it, and it needs no licence), bit rate limited.
 *
 * @param {RTCPeerConnection} pc
 * @param {MediaStreamTrack | null} track
 * @param {number} kbps
 * @returns {RTCRtpSender}
 */
function addVideo(pc, track, kbps) {
    // Three temporal layers, so that the server can send a slow viewer fewer pictures without asking for anything.
    // Browsers that do not know the setting pass over it.
    const encoding = { maxBitrate: kbps * 1000, scalabilityMode: 'L1T3' };
    const transceiver = pc.addTransceiver(track ?? 'video', { direction: 'sendonly', sendEncodings: [encoding] });
    const codecs = RTCRtpSender.getCapabilities('video')?.codecs ?? [];
    if (codecs.length > 0 && 'setCodecPreferences' in transceiver) {
        transceiver.setCodecPreferences(vp8First(codecs));
    }
    return transceiver.sender;
}

/**
 * Return the codecs with VP8 in front, H.264 next, the others (retransmission among them) in their order.
 *
 * @template {{mimeType: string}} Codec
 * @param {Codec[]} codecs
 * @returns {Codec[]}
 */
export function vp8First(codecs) {
    const order = ['video/vp8', 'video/h264'];
    /** @param {Codec} codec */
    const place = (codec) => {
        const rank = order.indexOf(codec.mimeType.toLowerCase());
        return rank === -1 ? order.length : rank;
    };
    return [...codecs].sort((a, b) => place(a) - place(b));
}

/**
 * @param {{token?: string, getToken?: () => Promise<string>}} options
 * @returns {() => Promise<string>}
 */
function tokenSource({ token, getToken }) {
    if (getToken !== undefined) return getToken;
    if (token === undefined) throw new TypeError('call: token or getToken is needed');
    return () => Promise.resolve(token);
}
