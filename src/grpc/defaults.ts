/** What holds of a gRPC connection where nothing is said, whichever wire carries it. */

export const defaultMaxMessageBytes = 4_194_304;

/** A client asks after a silent server as often as servers of grpc-go allow. */
export const defaultKeepaliveMs = 300_000;
export const defaultKeepaliveTimeoutMs = 20_000;
