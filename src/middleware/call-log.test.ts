import { expect, test } from "bun:test";
import { MicrorunError } from "../errors.ts";
import { log } from "./call-log.ts";
import { callOf, standing } from "./middleware.contract.ts";

const trace = "0af7651916cd43dd8448eb211c80319c";

test("a line says what was called, how it ended, who asked and by which ids, and nothing of messages", async () => {
  const { around, log: lines } = standing();
  const dispatch = log()(async () => "a secret reply", around);
  const metadata = {
    "x-request-id": "r7",
    traceparent: `00-${trace}-b7ad6b7169203331-01`,
    authorization: "Bearer x",
  };
  await dispatch(callOf({ request: { password: "p" }, metadata, peer: "10.0.0.1:1" }));
  const [record] = lines.records();
  expect(record).toMatchObject({
    level: "info",
    message: "call",
    fields: { method: "greeter.Greeter/Hello", code: "ok", peer: "10.0.0.1:1", id: "r7", trace },
  });
  expect(Object.keys(record?.fields ?? {}).toSorted()).toEqual([
    "code",
    "id",
    "method",
    "ms",
    "peer",
    "trace",
  ]);
});

test("the service's own failures are warned of, callers' faults are not", async () => {
  const { around, log: lines } = standing();
  for (const code of ["not_found", "internal"] as const)
    await log({ level: "debug" })(async () => {
      throw new MicrorunError(code, "secret text");
    }, around)(callOf()).catch(() => {});
  expect(lines.records().map(({ level, fields }) => [level, fields.code])).toEqual([
    ["debug", "not_found"],
    ["warn", "internal"],
  ]);
  expect(JSON.stringify(lines.records())).not.toContain("secret");
});

test("a streamed call is told of when it ends, and excepted methods never", async () => {
  const { around, log: lines } = standing();
  const dispatch = log({ except: ["Greeter.Slow"] })(async () => {
    return (async function* () {
      yield 1;
      throw new MicrorunError("data_loss", "lost");
    })();
  }, around);
  await dispatch(callOf({ method: "Slow" }));
  const replies = (await dispatch(callOf())) as AsyncIterable<unknown>;
  expect(lines.records()).toHaveLength(0);
  expect(async () => {
    for await (const _ of replies);
  }).toThrow("lost");
  expect(lines.records().map(({ fields }) => fields.code)).toEqual(["data_loss"]);
});

test("a web request's line has its path, without the query", async () => {
  const { around, log: lines } = standing();
  const web = log().web?.(() => new Response("page", { status: 503 }), around);
  await web?.({ request: new Request("http://localhost/a?token=x"), peer: "10.0.0.1:1" });
  expect(lines.records()[0]).toMatchObject({
    level: "warn",
    message: "request",
    fields: { method: "GET /a", status: 503 },
  });
});
