/** What time does to connections: handshakes, stalls, keepalive, idleness and age, looked after in one sweep. */
import { abandon, cut, drain, fail, refuseNew } from "./closing.ts";
import type { Connection } from "./connection.ts";
import { writePing, writeReset } from "./frame-writer.ts";
import { errorCodes } from "./h2.ts";
import { discard } from "./output.ts";

/** How exact all times are. */
export const sweepMs = 500;
/** For a peer to answer the PING that follows the first GOAWAY, before the second is sent all the same. */
const drainPingMs = 1_000;
/** For a peer to close after we have, and to take our last words. */
const lingerMs = 1_000;

const keepaliveMark = 0;

export function sweep(connection: Connection, now: number): void {
  const { limits } = connection;
  const { stalledAt } = connection.output;
  if (connection.closed) {
    if (now - connection.closedAt <= lingerMs) return;
    discard(connection.output);
    connection.socket.terminate();
  } else if (!connection.settled && now - connection.bornAt > limits.handshakeMs)
    fail(connection, errorCodes.settingsTimeout, "no SETTINGS came");
  else if (connection.headersAt > 0 && now - connection.headersAt > limits.handshakeMs)
    fail(connection, errorCodes.enhanceYourCalm, "a header block does not end");
  else if (stalledAt > 0 && now - stalledAt > limits.stallMs)
    cut(connection, errorCodes.enhanceYourCalm, "the peer does not read");
  else {
    if (connection.queuedBytes > 0) resetStalled(connection, now);
    if (limits.keepaliveMs > 0) keepAlive(connection, now);
    if (connection.draining) hurry(connection, now);
    else if (now > connection.agesAt || isIdle(connection, now)) drain(connection);
  }
}

function isIdle({ streams, waiting, idleAt, limits }: Connection, now: number): boolean {
  return limits.idleMs > 0 && streams.size + waiting.size === 0 && now - idleAt > limits.idleMs;
}

/** Streams whose window the peer has left closed: what they hold, they hold in vain. */
function resetStalled(connection: Connection, now: number): void {
  for (const stream of [...connection.streams.values()]) {
    if (stream.pendingBytes === 0 || now - stream.movedAt <= connection.limits.stallMs) continue;
    writeReset(connection.output, stream.id, errorCodes.cancel);
    abandon(stream, { code: errorCodes.cancel, reason: "the peer does not read", unsent: false });
  }
}

/** A drain that takes its time. */
function hurry(connection: Connection, now: number): void {
  const since = now - connection.drainedAt;
  if (since > drainPingMs) refuseNew(connection);
  const { ageGraceMs } = connection.limits;
  if (ageGraceMs > 0 && connection.drainedAt > connection.agesAt && since > ageGraceMs)
    cut(connection, errorCodes.noError, "too old");
}

function keepAlive(connection: Connection, now: number): void {
  const { keepaliveMs, keepaliveTimeoutMs } = connection.limits;
  if (connection.pingedAt > 0) {
    if (now - connection.pingedAt > keepaliveTimeoutMs)
      cut(connection, errorCodes.noError, "no answer to a PING");
  } else if (now - connection.lastReadAt > keepaliveMs) {
    connection.pingedAt = now;
    writePing(connection.output, keepaliveMark);
  }
}
