// The body by which a browser tells the server addresses that it found after its offer (RFC 8840, RFC 9725). No DOM.

/**
 * @param {string} sdp the offer that they belong to
 * @param {{candidate: string, sdpMid: string | null}[]} candidates
 * @returns {string} application/trickle-ice-sdpfrag
 */
export function trickleBody(sdp, candidates) {
    const lines = sdp.split(/\r?\n/);
    /** @param {string} start */
    const first = (start) => lines.find((line) => line.startsWith(start));
    // Everything goes over one transport (max-bundle), that of the first section.
    const media = first('m=') ?? 'm=audio 9 UDP/TLS/RTP/SAVPF 0';
    const mid = candidates[0]?.sdpMid;
    return [
        first('a=ice-ufrag:'),
        first('a=ice-pwd:'),
        media,
        mid === null || mid === undefined ? first('a=mid:') : `a=mid:${mid}`,
        ...candidates.map(({ candidate }) => `a=${candidate}`),
        '',
    ]
        .filter((line) => line !== undefined)
        .join('\r\n');
}
