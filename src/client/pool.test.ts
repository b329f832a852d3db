import { afterEach, expect, test } from "bun:test";
import { memoryTransport } from "../transport/memory.ts";
import type { Connection, Transport } from "../transport/transport.ts";
import { createPool, type Lease, type PoolOptions } from "./pool.ts";

const pools: AsyncDisposable[] = [];
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool[Symbol.asyncDispose]();
});

/** A pool of the memory transport, and which of its connections were opened and closed. */
function poolOf(options: PoolOptions) {
  const memory = memoryTransport();
  const opened: string[] = [];
  const closed: string[] = [];
  const transport: Transport = {
    ...memory,
    connect(address, how): Connection {
      const connection = memory.connect(address, how);
      opened.push(address);
      return {
        dispatch: connection.dispatch,
        async [Symbol.asyncDispose]() {
          closed.push(address);
          await connection[Symbol.asyncDispose]();
        },
      };
    },
  };
  const pool = createPool(transport, options);
  pools.push(pool);
  return { pool, opened, closed };
}

/** Until it holds. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await Bun.sleep(1);
}

test("calls to one address share a connection, one after the other and at once", () => {
  const { pool, opened } = poolOf({});
  const first = pool.connection("a:1");
  pool.connection("a:1").release();
  first.release();
  pool.connection("a:1").release();
  pool.connection("b:1").release();
  expect(opened).toEqual(["a:1", "b:1"]);
});

test("the longest unused connection makes room, one with calls under way last", () => {
  const { pool, opened, closed } = poolOf({ size: 2 });
  const busy = pool.connection("a:1");
  pool.connection("b:1").release();
  pool.connection("c:1").release();
  expect(closed).toEqual(["b:1"]);
  pool.connection("a:1").release();
  expect(opened).toEqual(["a:1", "b:1", "c:1"]);
  busy.release();
});

test("a connection that has reached its age makes way, and is closed with its last call", async () => {
  const { pool, opened, closed } = poolOf({ ttlMs: 5 });
  const old = pool.connection("a:1");
  await Bun.sleep(6);
  const young = pool.connection("a:1");
  expect([opened, closed]).toEqual([["a:1", "a:1"], []]);
  old.release();
  expect(closed).toEqual(["a:1"]);
  young.release();
});

test("a replaced connection whose call does not end is closed in time", async () => {
  const { pool, closed } = poolOf({ lingerMs: 1 });
  pool.connection("a:1").retire();
  await until(() => closed.length === 1);
});

test("a connection without calls is closed after its time, one with a call is not", async () => {
  const { pool, closed } = poolOf({ idleMs: 2 });
  const busy = pool.connection("a:1");
  pool.connection("b:1").release();
  await until(() => closed.length === 1);
  expect(closed).toEqual(["b:1"]);
  await Bun.sleep(10);
  expect(closed).toEqual(["b:1"]);
  busy.release();
  await until(() => closed.length === 2);
});

test("more calls at once than a connection takes open another, as long as there is room", () => {
  const { pool, opened, closed } = poolOf({ maxCalls: 2, size: 2 });
  const leases: Lease[] = [];
  for (let i = 0; i < 7; i++) leases.push(pool.connection("a:1"));
  expect(opened).toEqual(["a:1", "a:1"]);
  for (const lease of leases) lease.release();
  expect(closed).toEqual([]);
});

test("a retired connection is used by no other call", () => {
  const { pool, opened, closed } = poolOf({});
  const broken = pool.connection("a:1");
  broken.release();
  broken.retire();
  expect(closed).toEqual(["a:1"]);
  pool.connection("a:1").release();
  expect(opened).toEqual(["a:1", "a:1"]);
});

test("a closed pool has closed its connections, each once, and opens none", async () => {
  const { pool, closed } = poolOf({});
  const old = pool.connection("a:1");
  old.retire();
  const busy = pool.connection("b:1");
  await pool[Symbol.asyncDispose]();
  busy.release();
  old.release();
  await pool[Symbol.asyncDispose]();
  expect(closed.sort()).toEqual(["a:1", "b:1"]);
  expect(() => pool.connection("a:1")).toThrow("closed");
});
