/** Multicast DNS on the wire: questions from a port of our own, as their answers come to it alone; all else from the shared one. */
import { createSocket } from "node:dgram";
import multicastDns, { type Answer, type MulticastDns, type Question } from "multicast-dns";
import { errorText } from "../errors.ts";
import type { Log } from "../log.ts";

export interface MdnsSocketOptions {
  /** @default 5353 */
  readonly port?: number;
  /** Address of the one interface to use. @default all, sending by the default route */
  readonly interface?: string;
  readonly log: Log;
  /** Records for one question, a list for each packet. */
  readonly answer: (question: Question) => readonly (readonly Answer[])[];
  /** Records that somebody sent, asked for or not. */
  readonly heard: (answers: readonly Answer[]) => void;
}

/** Disposing it closes the sockets. */
export interface MdnsSocket extends AsyncDisposable {
  /** Never rejects: what cannot be sent is a line in the log, once. */
  ask(names: readonly string[]): Promise<void>;
  /** As `ask`; one packet. */
  tell(answers: readonly Answer[]): Promise<void>;
}

/** Questions of one packet that are answered, and packets sent for one question. */
const maxQuestions = 16;
const maxAnswers = 1000;

/** @throws Error when the port cannot be used */
export async function openMdnsSocket(options: MdnsSocketOptions): Promise<MdnsSocket> {
  const { port = 5353, log, answer, heard } = options;
  await using opened = new AsyncDisposableStack();
  const one = options.interface === undefined ? {} : { interface: options.interface, bind: "0.0.0.0" };
  const shared = multicastDns({ port, ...one });
  opened.defer(() => closed(shared));
  let complaint = "";
  const complain = (why: string): void => {
    if (why !== complaint && why !== "") log.warn(`multicast DNS: ${why}`);
    complaint = why;
  };
  const sent = (send: (done: (error?: Error | null) => void) => void): Promise<void> =>
    new Promise((resolve) => {
      send((error) => {
        complain(error ? `cannot send: ${errorText(error)}` : "");
        resolve();
      });
    });

  let joined = false;
  shared.on("networkInterface", () => {
    joined = true;
  });
  // Garbage from others, and interfaces that take no part: neither is ours to mend.
  shared.on("warning", (error) => log.debug(`multicast DNS: ${errorText(error)}`));
  shared.on("response", ({ answers = [], additionals = [] }) => heard([...answers, ...additionals]));
  shared.on("query", ({ id = 0, questions = [] }, from) => {
    for (const question of questions.slice(0, maxQuestions)) {
      for (const answers of answer(question).slice(0, maxAnswers)) {
        // RFC 6762, 6.7: who asks from another port wants the answer there, with the question. Go Micro always does.
        const direct = from.port !== port;
        const packet = { answers: [...answers], ...(direct ? { id, questions: [question] } : {}) };
        void sent((done) => shared.respond(packet, direct ? from : null, done));
      }
    }
  });
  await new Promise<void>((resolve, reject) => {
    shared.on("ready", resolve);
    shared.on("error", reject);
  });
  if (!joined)
    complain("no network interface takes part in it: nobody is found, and nobody finds this service");

  const socket = createSocket("udp4");
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(0, resolve);
  });
  if (options.interface !== undefined) socket.setMulticastInterface(options.interface);
  const asking = multicastDns({ socket, port, bind: false, multicast: false });
  opened.defer(() => closed(asking));
  asking.on("warning", (error) => log.debug(`multicast DNS: ${errorText(error)}`));
  asking.on("error", (error) => complain(errorText(error)));
  asking.on("response", ({ answers = [], additionals = [] }) => heard([...answers, ...additionals]));

  const stack = opened.move();
  return {
    async ask(names) {
      // One question for each packet: Go Micro's answers to several are read as those to the first.
      for (const name of names) {
        await sent((done) => asking.query({ questions: [{ name, type: "PTR" }] }, done));
      }
    },
    tell: (answers) => sent((done) => shared.respond({ answers: [...answers] }, null, done)),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function closed(dns: MulticastDns): Promise<void> {
  return new Promise((resolve) => dns.destroy(resolve));
}
