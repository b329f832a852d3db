/** The calls out that are measured: the same for each caller, whoever makes them. */

export interface OutCase {
  readonly name: string;
  readonly title: string;
  readonly concurrency: number;
  /** Of the name that is greeted, in bytes. @default 5 */
  readonly size?: number;
  /** A request's id, a trace and a token with each call. */
  readonly metadata?: boolean;
  /** Replies to each call, which are what is counted. */
  readonly messages?: number;
}

export const outCases: readonly OutCase[] = [
  { name: "unary", title: "unary, 50 at a time", concurrency: 50 },
  { name: "metadata", title: "unique metadata, 50 at a time", concurrency: 50, metadata: true },
  { name: "10k", title: "10 KB, 50 at a time", concurrency: 50, size: 10_000 },
  { name: "1m", title: "1 MB, 8 at a time", concurrency: 8, size: 1_000_000 },
  { name: "stream", title: "streams of 1000 messages, 8 at a time", concurrency: 8, messages: 1000 },
  { name: "single", title: "unary, one at a time", concurrency: 1 },
];

/** Never the one before; with the same fields as grpc-go's load has. */
export function uniqueMetadata(): () => Record<string, string> {
  let made = 0;
  const hex = (digits: number): string => made.toString(16).padStart(digits, "0");
  return () => {
    made += 1;
    return {
      "x-request-id": `${made}`,
      traceparent: `00-${hex(32)}-${hex(16)}-01`,
      authorization: `Bearer ${hex(64)}`,
    };
  };
}

/** microrun's own, for the others to have the same. */
export const timeoutMs: number = 5000;

export function nameOf({ size, messages }: OutCase): string {
  if (messages !== undefined) return `count:${messages}:ok`;
  return size === undefined ? "World" : "x".repeat(size);
}

/** @throws Error when there is none of that name */
export function outCase(name: string | undefined): OutCase {
  const found = outCases.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no such case: ${name}`);
  return found;
}

export function checkCount(read: number, { messages }: OutCase): void {
  if (read !== messages) throw new Error(`${read} replies of ${messages}`);
}
