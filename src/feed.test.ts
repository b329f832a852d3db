import { expect, test } from "bun:test";
import { createFeed, readFeed } from "./feed.ts";

test("a feed keeps the last, and no more than it may", () => {
  const feed = createFeed<number>(2);
  for (const one of [1, 2, 3]) feed.push(one);
  expect(feed.records()).toEqual([2, 3]);
});

test("a reader gets what is kept, then what comes, and ends when aborted", async () => {
  const feed = createFeed<number>(10);
  feed.push(1);
  const stop = new AbortController();
  const read: number[] = [];
  const reading = (async () => {
    for await (const one of readFeed(feed, { signal: stop.signal })) {
      read.push(one);
      if (one === 1) feed.push(2);
      if (one === 2) stop.abort();
    }
  })();
  await reading;
  expect(read).toEqual([1, 2]);
});

test("a reader that does not stream ends after what is kept", async () => {
  const feed = createFeed<number>(10);
  feed.push(1);
  feed.push(2);
  const { signal } = new AbortController();
  const read = await Array.fromAsync(
    readFeed(feed, { past: (kept) => kept.slice(-1), stream: false, signal }),
  );
  expect(read).toEqual([2]);
});

test("a slow reader loses the oldest of what waits for it", async () => {
  const feed = createFeed<number>(1);
  const reader = readFeed(feed, { signal: new AbortController().signal });
  feed.push(0);
  expect((await reader.next()).value).toBe(0);
  for (let one = 1; one <= 2000; one++) feed.push(one);
  // what came between is gone, the newest is not
  const { value } = await reader.next();
  expect(value).toBe(2000 - 1024 + 1);
  await reader.return(undefined);
});
