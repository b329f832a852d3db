/** What sockets over TLS have in common, whatever the runtime. */

/** What we speak over TLS unless told otherwise, as ALPN names it. */
export const ownProtocols: readonly string[] = ["h2"];

/** For a TLS handshake. */
export const maxHandshakeMs = 10_000;

/** Of a listener at a time: the longest under way makes room for a new one. */
export const maxHandshakes = 1024;
