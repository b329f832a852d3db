/** The flags that bound what a server takes, in each of its processes. */

export const limitFlags = {
  max_connections: {
    type: "integer",
    about: "The most connections of the gRPC port, and of all that it serves; one more is closed at once.",
    example: "2000",
    default: "10000",
    min: 1,
  },
  max_concurrent_streams: {
    type: "integer",
    about:
      "The most calls under way on one connection; its client waits with the next, or makes another one.",
    example: "100",
    default: "1000",
    min: 1,
  },
  max_concurrent_calls: {
    type: "integer",
    about:
      "The most gRPC calls handled at a time; one more is refused unhandled: unavailable, safe to retry.",
    example: "500",
    default: "10000",
    min: 1,
  },
  max_header_bytes: {
    type: "size",
    about:
      "The most metadata of a call, and header fields over HTTP/2; more is answered resource_exhausted, or 431.",
    example: "16KiB",
    default: "64KiB",
    min: 1024,
  },
  max_buffer_bytes: {
    type: "size",
    about:
      "What --transport=grpc may hold for its peers, unread or untaken; above it the connection that holds most is closed.",
    example: "128MiB",
    otherwise: "a quarter of the memory that the container or machine has, 64MiB to 1GiB",
    min: 1_048_576,
  },
  max_connection_age: {
    type: "duration",
    about:
      "How long a connection is used, a tenth more or less, before its client is told to make another; 0: any time.",
    example: "30m",
    default: "0",
  },
  max_connection_age_grace: {
    type: "duration",
    about:
      "How long a connection past that may go on with its calls before it is cut; 0: as long as they take.",
    example: "1m",
    default: "0",
  },
  max_connection_idle: {
    type: "duration",
    about: "How long a connection may be without a call before its client is told to leave it; 0: any time.",
    example: "15m",
    default: "5m",
  },
  keepalive_time: {
    type: "duration",
    about: "How long a connection may be silent before its client is asked whether it lives; 0: it never is.",
    example: "1m",
    default: "2m",
  },
  keepalive_timeout: {
    type: "duration",
    about: "How long the client may take to answer that before the connection is cut.",
    example: "10s",
    default: "20s",
    min: 1,
  },
} as const;
