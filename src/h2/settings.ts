/** SETTINGS, ours and the peer's (RFC 9113 §6.5). */
import { pump } from "./body-writer.ts";
import type { Connection } from "./connection.ts";
import { ConnectionError } from "./connection-error.ts";
import { costs, spend } from "./flood-budget.ts";
import {
  flags,
  initialWindow,
  maxFrameBytes,
  maxFrameSizeSetting,
  maxWindow,
  settingBytes,
  settingIds,
} from "./frame-code.ts";
import { writeSettings, writeSettingsAck, writeWindowUpdate } from "./frame-writer.ts";
import { errorCodes } from "./h2.ts";

/** What we ask of the peer: the first that we send. */
export function sendSettings({ limits, isServer, output }: Connection): void {
  const { streamWindowBytes, maxHeaderListBytes, maxStreams, connectionWindowBytes } = limits;
  writeSettings(output, [
    [settingIds.initialWindowSize, streamWindowBytes],
    [settingIds.maxHeaderListSize, maxHeaderListBytes],
    isServer ? [settingIds.maxConcurrentStreams, maxStreams] : [settingIds.enablePush, 0],
  ]);
  if (connectionWindowBytes > initialWindow)
    writeWindowUpdate(output, 0, connectionWindowBytes - initialWindow);
}

export function readSettings(
  connection: Connection,
  bytes: Buffer,
  start: number,
  length: number,
  flagBits: number,
): void {
  if ((flagBits & flags.ack) !== 0) {
    readAck(connection, length);
    return;
  }
  if (length % settingBytes !== 0) throw new ConnectionError(errorCodes.frameSize, "SETTINGS");
  if (connection.settled) spend(connection.budget, costs.settings);
  const windowBefore = connection.peerInitialWindow;
  for (let at = start; at < start + length; at += settingBytes)
    apply(connection, bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2));
  connection.settled = true;
  writeSettingsAck(connection.output);
  if (connection.peerInitialWindow > windowBefore)
    for (const stream of [...connection.streams.values()]) if (stream.pendingBytes > 0) pump(stream);
  connection.onSettings();
}

function readAck(connection: Connection, length: number): void {
  if (length > 0) throw new ConnectionError(errorCodes.frameSize, "SETTINGS acknowledgement");
  if (!connection.settled) throw new ConnectionError(errorCodes.protocol, "SETTINGS must come first");
  if (connection.settingsAcked) spend(connection.budget, costs.settings);
  connection.settingsAcked = true;
}

function apply(connection: Connection, id: number, value: number): void {
  switch (id) {
    case settingIds.headerTableSize:
      connection.encoder.resize(value);
      return;
    case settingIds.enablePush:
      if (value > 1 || (value === 1 && !connection.isServer))
        throw new ConnectionError(errorCodes.protocol, "SETTINGS_ENABLE_PUSH");
      return;
    case settingIds.maxConcurrentStreams:
      connection.peerMaxStreams = value;
      return;
    case settingIds.initialWindowSize:
      resizeWindows(connection, value);
      return;
    case settingIds.maxHeaderListSize:
      connection.peerMaxHeaderListBytes = value;
      return;
    case settingIds.maxFrameSize:
      // not used: our frames stay at the smallest that every peer takes
      if (value < maxFrameBytes || value > maxFrameSizeSetting)
        throw new ConnectionError(errorCodes.protocol, "SETTINGS_MAX_FRAME_SIZE");
      return;
  }
}

/** §6.9.2: a window may become negative. */
function resizeWindows(connection: Connection, value: number): void {
  if (value > maxWindow) throw new ConnectionError(errorCodes.flowControl, "SETTINGS_INITIAL_WINDOW_SIZE");
  const change = value - connection.peerInitialWindow;
  connection.peerInitialWindow = value;
  for (const stream of connection.streams.values()) {
    stream.sendWindow += change;
    if (stream.sendWindow > maxWindow)
      throw new ConnectionError(errorCodes.flowControl, "SETTINGS_INITIAL_WINDOW_SIZE");
  }
}
