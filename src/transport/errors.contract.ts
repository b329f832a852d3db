/** Of the transport's contract: what goes wrong is told to the caller, and by its name. */
import { expect, test } from "bun:test";
import { MicrorunError } from "../errors.ts";
import { silentLog } from "../log.ts";
import {
  caller,
  count,
  failure,
  type Messages,
  type Open,
  outgoing,
  type Setup,
  service,
  texts,
} from "./peer.contract.ts";

export function errorsContract({ transport, listen, connect }: Setup, open: Open): void {
  test("an error brings its code, text, reason and details", async () => {
    await using peer = await open({
      Unary: () => {
        throw new MicrorunError("aborted", 'no "50%" of #7, é\n', {
          reason: "TOO_LATE",
          details: { user: "7" },
          hint: "x",
        });
      },
      Up: () => Promise.reject(new MicrorunError("not_found", "no user 7")),
    });
    expect(await failure(peer.call("Unary", { text: "" }))).toMatchObject({
      code: "aborted",
      message: 'no "50%" of #7, é\n',
      reason: "TOO_LATE",
      details: { user: "7" },
      hint: undefined,
    });
    const error = await failure(peer.call("Up", count(2)));
    expect([error.code, error.message, error.reason]).toEqual(["not_found", "no user 7", undefined]);
  });

  test("an error ends a stream after what was sent before it", async () => {
    await using peer = await open({
      Down: async function* () {
        yield { text: "a" };
        throw new MicrorunError("data_loss", "no more");
      },
    });
    const seen: string[] = [];
    const read = async () => {
      for await (const { text } of (await peer.call("Down", { text: "" })) as Messages) seen.push(text);
    };
    expect(await failure(read())).toMatchObject({ code: "data_loss", message: "no more" });
    expect(seen).toEqual(["a"]);
  });

  test("what is thrown and is no error of ours is internal, its text kept back", async () => {
    for (const thrown of [new Error("secret"), "secret", undefined, null, 7]) {
      await using peer = await open({
        Unary: () => Promise.reject(thrown),
        Down: async function* () {
          yield await Promise.reject(thrown);
        },
      });
      for (const method of ["Unary", "Down"] as const) {
        const error = await failure(texts(peer.call(method, { text: "" })));
        expect([error.code, error.message]).toEqual(["internal", "internal error"]);
      }
    }
  });

  test("a reply that does not fit its type is internal", async () => {
    await using peer = await open({ Unary: () => ({ text: { not: "text" } }), Down: () => [{ text: 7n }] });
    expect(await failure(peer.call("Unary", { text: "" }))).toMatchObject({ code: "internal" });
    expect(await failure(texts(peer.call("Down", { text: "" })))).toMatchObject({ code: "internal" });
  });

  test("a request that does not fit its type is refused by its caller", async () => {
    await using peer = await open({ Unary: () => ({ text: "" }) });
    expect(await failure(peer.call("Unary", { text: { not: "text" } }))).toMatchObject({
      code: "invalid_argument",
    });
  });

  test("an unknown service or method is unimplemented", async () => {
    await using peer = await open({});
    const ask = (service: string, method: string) =>
      failure(peer.connection.dispatch(outgoing({ service, method, request: {} })));
    expect(await ask("Nope", "Unary")).toMatchObject({
      code: "unimplemented",
      message: "unknown service Nope",
    });
    expect(await ask("contract.Kinds", "Nope")).toMatchObject({
      code: "unimplemented",
      message: "unknown method Nope for service contract.Kinds",
    });
  });

  test("a peer that cannot be reached is unavailable, by its address", async () => {
    const { server, connection } = await open({});
    await server[Symbol.asyncDispose]();
    await connection[Symbol.asyncDispose]();
    await using later = transport.connect(server.address, connect);
    const error = await failure(caller(later)("Unary", { text: "" }));
    expect(error.code).toBe("unavailable");
    expect(error.message).toStartWith(`${server.address}: `);
  });

  test("an address in use is already_exists, and says so", async () => {
    await using peer = await open({});
    const again = transport.listen(service, async () => ({}), {
      log: silentLog,
      ...listen,
      address: peer.server.address,
    });
    expect(await failure(again)).toMatchObject({
      code: "already_exists",
      message: `cannot listen on ${peer.server.address}: the address is in use`,
    });
  });
}
