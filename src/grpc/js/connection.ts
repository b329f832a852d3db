/** A connection to one peer on grpc-js; everything of a call is in invocation.ts. */
import type { OutgoingHttpHeaders } from "node:http2";
import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import {
  Channel,
  type ChannelCredentials,
  type ChannelOptions,
  connectivityState,
  credentials,
  Metadata,
} from "@grpc/grpc-js";
import { codes } from "../../errors.ts";
import type { Connection, ConnectOptions } from "../../transport/transport.ts";
import { maxTimerMs } from "../../wait.ts";
import type { AbortWatch } from "../abort-watch.ts";
import { callsOut } from "../calls-out.ts";
import { defaultKeepaliveMs, defaultKeepaliveTimeoutMs, defaultMaxMessageBytes } from "../defaults.ts";
import { recordOf } from "../header-record.ts";
import { type CallListener, type CallStart, type CallWire, pathOf } from "../invocation.ts";
import { type Fields, writeFields } from "../metadata.ts";
import { shortened } from "../no-connection.ts";
import { detailsField, userAgent } from "../status.ts";
import { microTimeout } from "../timeout.ts";

/** Between two tries to connect: a peer that comes back is found soon. */
const firstBackoffMs = 100;
const maxBackoffMs = 2000;

/** How long a call waits for a connection: an address that nobody answers at leaves time for another one. */
const connectTimeoutMs = 2000;

/** Names are looked up again no more often than this. */
const minResolveMs = 1000;

/** TLS names no IP address to the server, and Bun refuses to: this goes in its place; the certificate must still be the address'. */
const anyName = "address.invalid";

/** A call without a deadline, for grpc-js. */
const never = Number.POSITIVE_INFINITY;

export function connectGrpc(
  aborts: AbortWatch,
  address: string,
  {
    tls,
    maxMessageBytes = defaultMaxMessageBytes,
    keepaliveMs = defaultKeepaliveMs,
    keepaliveTimeoutMs = defaultKeepaliveTimeoutMs,
    gzip = false,
  }: ConnectOptions = {},
): Connection {
  const options: ChannelOptions = {
    // told from other callers by it: we read every form of errors
    "grpc.primary_user_agent": `${userAgent}/1`,
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": -1,
    "grpc.initial_reconnect_backoff_ms": firstBackoffMs,
    "grpc.max_reconnect_backoff_ms": maxBackoffMs,
    "grpc.dns_min_time_between_resolutions_ms": minResolveMs,
    "grpc.keepalive_time_ms": keepaliveMs || maxTimerMs,
    "grpc.keepalive_timeout_ms": keepaliveTimeoutMs,
    // of grpc-js' CompressionAlgorithms
    "grpc.default_compression_algorithm": gzip ? 2 : 0,
    "grpc.enable_retries": 0,
    // grpc-js takes messages for its retries even so, as if they were sent: a stream would be read on before it is connected
    "grpc.per_rpc_retry_buffer_size": -1,
    "grpc.enable_channelz": 0,
    "grpc.enable_http_proxy": 0,
    "grpc.service_config_disable_resolution": 1,
    "grpc.use_local_subchannel_pool": 1,
    ...(tls !== undefined && ipOf(address) !== undefined ? { "grpc.ssl_target_name_override": anyName } : {}),
  };
  let channel: Channel | undefined;
  return callsOut({
    address,
    maxMessageBytes,
    aborts,
    open(start, listener) {
      channel ??= new Channel(address, channelCredentials(address, tls), options);
      return openCall(channel, { start, listener, secure: tls !== undefined });
    },
    close: () => channel?.close(),
  });
}

function channelCredentials(address: string, tls: ConnectOptions["tls"]): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const pem = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));
  const ip = ipOf(address);
  return credentials.createSsl(
    pem(tls.ca),
    pem(tls.key),
    pem(tls.cert),
    ip === undefined ? {} : { checkServerIdentity: (_, certificate) => checkServerIdentity(ip, certificate) },
  );
}

function ipOf(address: string): string | undefined {
  const host = address.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return isIP(host) === 0 ? undefined : host;
}

interface Opening {
  readonly start: CallStart;
  readonly listener: CallListener;
  /** Over TLS. */
  readonly secure: boolean;
}

function openCall(channel: Channel, { start, listener, secure }: Opening): CallWire {
  const call = channel.createCall(pathOf(start.call), deadlineOf(start), null, null, null);
  let heard = false;
  let sent = false;
  let over = false;
  const end: CallListener["end"] = (...how) => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    listener.end(...how);
  };
  const late = (): void => {
    if (sent) return;
    end({ code: codes.unavailable, message: "cannot connect: no answer" }, {}, false, true);
    call.cancelWithStatus(codes.cancelled, "cancelled");
  };
  const ready = channel.getConnectivityState(false) === connectivityState.READY;
  const timer = ready ? undefined : setTimeout(late, connectTimeoutMs);
  const written = (): void => {
    sent = true;
  };
  call.start(carrying(new Metadata(), { fields: requestFields(start), written }), {
    onReceiveMetadata(metadata) {
      heard = true;
      listener.header(fieldsOf(metadata));
    },
    onReceiveMessage: (bytes: Buffer) => listener.message(bytes, 0, bytes.length),
    onReceiveStatus({ code, details, metadata }) {
      const [bytes] = metadata.get(detailsField);
      // an answer of trailers alone brings its content type
      heard ||= metadata.get("content-type").length > 0;
      const refused = sent && !heard && details === refusedText;
      const unsent = !sent || refused || (!heard && details.startsWith(notStartedText));
      const status = {
        code: unsent && code === codes.internal ? codes.unavailable : code,
        ...shortened(details, secure),
      };
      end(
        bytes instanceof Uint8Array ? { ...status, details: bytes } : status,
        fieldsOf(metadata),
        heard && details !== resetText,
        unsent,
      );
    },
  });
  return {
    read: () => call.startRead(),
    send: (bytes, flushed) => call.sendMessageWithContext({ callback: flushed }, Buffer.from(bytes)),
    halfClose: () => call.halfClose(),
    cancel: () => {
      clearTimeout(timer);
      call.cancelWithStatus(codes.cancelled, "cancelled");
    },
  };
}

/** What no timer can be set for grpc-js refuses, too, with an exception that nobody hears. */
function deadlineOf({ call: { deadline = never } }: CallStart): number {
  return deadline - Date.now() > maxTimerMs ? never : deadline;
}

/** grpc-js of RST_STREAM with REFUSED_STREAM, and of a stream beyond the last one that a GOAWAY names: nothing was done about it. */
const refusedText = "Stream refused by server";

/** grpc-js of RST_STREAM with CANCEL: no status, so nothing that the peer says. */
const resetText = "Call cancelled";

/** grpc-js of a connection that ended as the call was to be written. */
const notStartedText = "Failed to start HTTP/2 stream";

function fieldsOf(metadata: Metadata): Fields {
  return metadata.toHttp2Headers() as Fields;
}

/** Go Micro's servers read `timeout` and `x-content-type` beside gRPC's own. */
function requestFields({ call: { metadata, deadline }, contentType }: CallStart): OutgoingHttpHeaders {
  const { "user-agent": _, ...fields } = recordOf(writeFields(metadata));
  const timeout = deadline === undefined ? {} : { timeout: microTimeout(deadline - Date.now()) };
  return { ...fields, ...timeout, "x-content-type": contentType };
}

/**
 * Metadata that turns into our header fields beside grpc-js' own: as fields already, they need not be read, checked and copied
 * with each copy that grpc-js makes. It writes its own content type over ours, and Go Micro chooses its codec by it: so that
 * one cannot be changed.
 * @param how `written` is called when it turns into header fields, which is when they are written
 */
function carrying(metadata: Metadata, how: { fields: OutgoingHttpHeaders; written: () => void }): Metadata {
  const { clone, toHttp2Headers } = metadata;
  metadata.clone = () => carrying(clone.call(metadata), how);
  metadata.toHttp2Headers = () => {
    how.written();
    const contentType = how.fields["x-content-type"];
    const fields = { ...how.fields, ...toHttp2Headers.call(metadata) };
    return Object.defineProperty(fields, "content-type", {
      enumerable: true,
      get: () => contentType,
      set() {},
    });
  };
  return metadata;
}
