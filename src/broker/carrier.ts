/** What carries messages from process to process; what they mean to whom is the same for all (carried.ts). */

/** A message on its way. */
export interface Letter {
  readonly topic: string;
  readonly header: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** `done`: handled, or set aside. `refused`: it never was begun, as the subscription ends. Else handled in vain, to come again. */
export type Outcome = "done" | "refused" | { readonly againMs: number };

/** Where a subscription takes its letters. */
export interface Intake {
  /** Whoever brings a letter now should wait for `room`. */
  readonly full: boolean;
  /** Resolves when there is room, false when there was none within `ms`. */
  room(ms: number): Promise<boolean>;
  /** Settles when it has been handled, never with an error. @param attempt from 1, where the carrier counts them */
  take(letter: Letter, attempt?: number): Promise<Outcome>;
}

export interface Carrier extends AsyncDisposable {
  readonly name: string;
  /** It brings again what came out as `againMs`, and counts how often. */
  readonly redelivers: boolean;
  /** Resolves when the letter is taken over. @param key by which it may tell a letter from one sent before */
  send(letter: Letter, key: string | undefined): Promise<void>;
  /** Until disposed: then nothing more comes. @param concurrency letters handled at once */
  receive(
    topic: string,
    queue: string | undefined,
    intake: Intake,
    concurrency: number,
  ): Promise<AsyncDisposable>;
  /** What is wrong now, for people. @default nothing */
  trouble?(): string | undefined;
}

/** How long one who sends waits for a subscriber that is behind, ms. */
export const maxRoomMs = 5000;
