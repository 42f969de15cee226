// How a page's connections find their way. No DOM.

/**
 * Return which ways media may take.
 *
 * `?network=relay` in the page's address sends everything through the TURN server: to try it out, and to find out
 * whether a person's own network is what is in the way.
 *
 * @param {string} [search] query of the page's address
 * @returns {RTCIceTransportPolicy}
 */
export function transportPolicy(search = globalThis.location?.search ?? '') {
    return new URLSearchParams(search).get('network') === 'relay' ? 'relay' : 'all';
}
