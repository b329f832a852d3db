/** One end of a connection made of frames, well-behaved, that keeps what the other says and holds it against the rules. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type FrameRules, frameRules } from "./frame-rules.ts";
import { type Frame, prefaceText } from "./h2-wire.ts";
import { frame, uint32s } from "./raw-http2.ts";

export interface Recorder extends Disposable {
  readonly rules: FrameRules;
  readonly frames: readonly Frame[];
  /** Says frames. */
  say(...frames: readonly Buffer[]): void;
  /** Resolves when what was heard is so. @throws Error when it takes too long */
  heard(what: string, isSo: (frames: readonly Frame[]) => boolean): Promise<void>;
  /** All that the other end had to say to what was said before has come. */
  settled(): Promise<void>;
  readonly closed: boolean;
}

const patienceMs = 10_000;

/** Frames in bytes, and how many bytes they are. */
export function framesIn(bytes: Buffer): { frames: Frame[]; length: number } {
  const frames: Frame[] = [];
  let at = 0;
  while (bytes.length - at >= 9 && bytes.length - at >= 9 + bytes.readUIntBE(at, 3)) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    const payload = Buffer.from(bytes.subarray(at + 9, end));
    frames.push({ type: bytes[at + 3]!, flags: bytes[at + 4]!, stream: bytes.readUInt32BE(at + 5), payload });
    at = end;
  }
  return { frames, length: at };
}

/** A client of a server. */
export async function recordServer(address: string, settings: Buffer = Buffer.alloc(0)): Promise<Recorder> {
  const [host, port] = address.split(":");
  const socket = connect({ host: host!, port: Number(port) });
  await once(socket, "connect");
  socket.write(prefaceText);
  const recorder = record(socket, "server");
  recorder.say(frame(4, 0, 0, settings));
  return recorder;
}

/** @param socket connected, whose preface has been said or is skipped here */
export function record(
  socket: Socket,
  other: "server" | "client",
  answer?: (frame: Frame, recorder: Recorder) => void,
): Recorder {
  const rules = frameRules(other);
  const frames: Frame[] = [];
  let rest: Buffer = Buffer.alloc(0);
  let closed = false;
  let prefaceLeft = other === "client" ? prefaceText.length : 0;
  let pings = 0;
  let look = Promise.withResolvers<void>();

  const say = (...said: readonly Buffer[]): void => {
    for (const bytes of said) for (const one of framesIn(bytes).frames) rules.said(one);
    if (!socket.destroyed) socket.write(Buffer.concat([...said]));
  };
  const read = (one: Frame): void => {
    rules.read(one);
    frames.push(one);
    if (one.type === 4 && one.flags === 0) say(frame(4, 1, 0));
    if (one.type === 6 && one.flags === 0) say(frame(6, 1, 0, one.payload));
    if (one.type === 0 && one.payload.length > 0) say(frame(8, 0, 0, uint32s(one.payload.length)));
    answer?.(one, recorder);
  };
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    const skipped = Math.min(prefaceLeft, rest.length);
    prefaceLeft -= skipped;
    const { frames: come, length } = framesIn(rest.subarray(skipped));
    rest = rest.subarray(skipped + length);
    for (const one of come) read(one);
    look.resolve();
    look = Promise.withResolvers();
  });
  const end = (): void => {
    closed = true;
    look.resolve();
  };
  socket
    .on("close", end)
    .on("error", end)
    .on("end", () => socket.end());

  const heard: Recorder["heard"] = async (what, isSo) => {
    const until = performance.now() + patienceMs;
    while (!isSo(frames)) {
      if (performance.now() > until)
        throw new Error(`${what}: not heard; ${rules.story.slice(-20).join(", ")}`);
      await Promise.race([look.promise, Bun.sleep(50)]);
    }
  };
  const recorder: Recorder = {
    rules,
    frames,
    say,
    heard,
    async settled() {
      const mark = uint32s(0x5e771ed, ++pings);
      say(frame(6, 0, 0, mark));
      await heard("the answer to PING", (all) =>
        all.some(({ type, flags, payload }) => type === 6 && flags === 1 && payload.equals(mark)),
      );
    },
    get closed() {
      return closed;
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
  return recorder;
}
