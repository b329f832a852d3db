/** The replies of a streamed call, as its caller reads them: the call is made with the first, and told of its end at the last. */
import { type AnyIterator, discard } from "../iteration.ts";
import type { Attempt } from "./attempt.ts";
import type { Requests } from "./requests.ts";

/** A call whose first reply is here. */
export interface Begun {
  readonly attempt: Attempt;
  /** Where requests stream. */
  readonly requests: Requests | undefined;
  readonly replies: AnyIterator;
  readonly first: Result;
}

type Result = IteratorResult<unknown>;

const done: Result = { done: true, value: undefined };

/** @param begin makes the call */
export function createReplies(begin: () => Promise<Begun>): AsyncIterator<unknown> {
  return new Replies(begin);
}

/** A class, as each reply goes through it. */
class Replies implements AsyncIterator<unknown> {
  private readonly begin: () => Promise<Begun>;
  private begun: Begun | undefined = undefined;
  /** The first reply is under way. */
  private beginning: Promise<Result> | undefined = undefined;
  private over = false;

  constructor(begin: () => Promise<Begun>) {
    this.begin = begin;
  }

  next(): Promise<Result> {
    if (this.over) return Promise.resolve(done);
    if (this.begun !== undefined) return this.follow(this.begun);
    if (this.beginning !== undefined) return this.beginning.then(() => this.next());
    this.beginning = this.first();
    return this.beginning;
  }

  /** A reader who leaves early is as good as an end. */
  return(): Promise<Result> {
    this.finish();
    return Promise.resolve(done);
  }

  private async first(): Promise<Result> {
    try {
      const begun = await this.begin();
      this.begun = begun;
      if (this.over) this.close(begun, undefined);
      else if (begun.first.done) this.finish();
      return this.over ? done : begun.first;
    } catch (error) {
      this.over = true;
      throw error;
    }
  }

  private async follow({ replies }: Begun): Promise<Result> {
    try {
      const next = await replies.next();
      if (next.done) this.finish();
      return next;
    } catch (error) {
      throw this.finish(error) ?? error;
    }
  }

  /** @returns what the source of the requests threw, if it was that */
  private finish(failure?: unknown): unknown {
    if (this.over) return undefined;
    this.over = true;
    return this.begun === undefined ? undefined : this.close(this.begun, failure);
  }

  private close({ attempt, requests, replies }: Begun, failure: unknown): unknown {
    const thrown = requests?.failure();
    requests?.end();
    discard(replies);
    attempt.end(failure);
    return thrown;
  }
}
