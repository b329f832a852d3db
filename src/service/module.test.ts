import { describe, expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import type { Middleware } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { service } from "../mod.ts";
import { readModule } from "./module.ts";

const hello = (): string => "hello";
const of = (value: unknown): Readonly<Record<string, unknown>> => ({ default: value });
const request = new Request("http://localhost/");

/** What `readModule` throws. */
function failure(exports: Readonly<Record<string, unknown>>): MicrorunError {
  try {
    readModule(exports);
  } catch (error) {
    if (error instanceof MicrorunError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("an object of services", () => {
  test("gives its methods, bound to their service", () => {
    const { definition } = readModule(
      of({
        Greeter: {
          Hello: hello,
          Twice() {
            return this.Hello() + this.Hello();
          },
        },
      }),
    );
    expect(definition.handlers?.Greeter?.Twice?.({}, {} as never)).toBe("hellohello");
  });

  test("keeps what begins with _ to itself", () => {
    const { definition } = readModule(of({ Greeter: { Hello: hello, _count: 0, _help: hello } }));
    expect(Object.keys(definition.handlers?.Greeter ?? {})).toEqual(["Hello"]);
  });

  test("may be given classes and instances by other names", () => {
    class Impl {
      greeting = "hi";
      Hello(): string {
        return this.greeting;
      }
    }
    const { definition } = readModule(of({ One: Impl, "two.v1.Two": new Impl() }));
    expect(definition.handlers?.One?.Hello?.({}, {} as never)).toBe("hi");
    expect(definition.handlers?.["two.v1.Two"]?.Hello?.({}, {} as never)).toBe("hi");
  });

  test("stays one when its services are called like fields", () => {
    const { definition } = readModule(of({ handlers: { Hello: hello }, start: { Now: hello } }));
    expect(Object.keys(definition)).toEqual(["handlers"]);
    expect(Object.keys(definition.handlers ?? {})).toEqual(["handlers", "start"]);
  });

  test("keeps a generator recognizable", () => {
    const { definition } = readModule(
      of({
        Greeter: {
          async *Stream() {
            yield 1;
          },
        },
      }),
    );
    expect(String(Object.prototype.toString.call(definition.handlers?.Greeter?.Stream))).toBe(
      "[object AsyncGeneratorFunction]",
    );
  });
});

describe("a class", () => {
  test("gives the methods of its prototypes, the nearest first, and its arrow functions", () => {
    class Base {
      Hello(): string {
        return "base";
      }
      Bye(): string {
        return "bye";
      }
    }
    class Greeter extends Base {
      override Hello(): string {
        return "greeter";
      }
      Arrow = (): string => "arrow";
      field = 1;
      _own(): void {}
    }
    const methods = readModule(of(Greeter)).definition.handlers?.Greeter ?? {};
    expect(Object.keys(methods).sort()).toEqual(["Arrow", "Bye", "Hello"]);
    expect(methods.Hello?.({}, {} as never)).toBe("greeter");
  });

  test("gives no method of a built-in class that it extends", () => {
    class Own {
      Hello(): void {}
    }
    for (const parent of [EventEmitter, Map, EventTarget, Array, Own]) {
      class Greeter extends (parent as typeof Own) {
        Bye(): void {}
      }
      const methods = readModule(of(Greeter)).definition.handlers?.Greeter ?? {};
      expect(Object.keys(methods)).toEqual(parent === Own ? ["Bye", "Hello"] : ["Bye"]);
    }
  });

  test("may name a method as Object.prototype does", () => {
    class Greeter {
      toString(): string {
        return "mine";
      }
      valueOf = (): string => "mine";
    }
    const { handlers } = readModule(of(Greeter)).definition;
    expect(Object.keys(handlers?.Greeter ?? {}).sort()).toEqual(["toString", "valueOf"]);
    const plain = readModule(of({ S: { constructor: hello, toString: hello } })).definition.handlers?.S;
    expect(Object.keys(plain ?? {})).toEqual(["constructor", "toString"]);
  });

  test("is not a job, and a function is not a class", () => {
    expect(
      readModule(
        of(
          class Greeter {
            Hello(): void {}
          },
        ),
      ).definition.job,
    ).toBeUndefined();
    for (const job of [() => {}, async () => {}, function named() {}, async function* () {}]) {
      expect(readModule(of(job)).definition).toEqual({ job });
    }
  });
});

describe("an object with fetch", () => {
  test("is asked with itself as this", async () => {
    class App {
      text = "app";
      routes = [];
      start = 7;
      fetch(): Response {
        return new Response(this.text);
      }
    }
    const { definition, ignored } = readModule(of(new App()));
    expect(Object.keys(definition)).toEqual(["fetch"]);
    expect(await (await definition.fetch?.(request, {}))?.text()).toBe("app");
    expect(ignored).toEqual([]);
  });

  test("may be a literal that names its port, which is ignored and said", () => {
    const bun = { port: 1, websocket: { message: hello }, routes: { "/": hello }, tls: {} };
    const { definition, ignored } = readModule(of({ ...bun, name: "web", fetch: hello }));
    expect(Object.keys(definition)).toEqual(["name", "fetch", "websocket"]);
    expect(ignored).toEqual(["port", "routes", "tls"]);
  });

  test("may not hold services beside it, which would be dropped", () => {
    const error = failure(of({ S: { A: hello }, fetch: hello }));
    expect(error.message).toBe("S is not served: an object with fetch is a web service");
    expect(error.hint).toBe("put services under handlers:  { handlers: { S: … }, fetch }");
  });
});

describe("named exports", () => {
  test("add to the default export", () => {
    const { definition } = readModule({
      default: { Greeter: { Hello: hello } },
      name: "one",
      proto: ["a.proto"],
      fetch: hello,
    });
    expect(Object.keys(definition).sort()).toEqual(["fetch", "handlers", "name", "proto"]);
  });

  test("may repeat a field that is the same, as CommonJS does", () => {
    const exports = { name: "one", fetch: hello };
    expect(readModule({ ...exports, default: exports }).definition.name).toBe("one");
  });

  test("need no default export where they serve, subscribe or start something", () => {
    for (const exports of [{ fetch: hello }, { subscribe: { created: hello } }, { start: hello }]) {
      expect(Object.keys(readModule(exports).definition)).toEqual(Object.keys(exports));
    }
    expect(failure({ name: "one", proto: "a.proto" }).message).toBe("it has no default export");
  });

  test("are found behind a compiler's exports.default", () => {
    const { definition } = readModule(of({ __esModule: true, default: { Greeter: { Hello: hello } } }));
    expect(Object.keys(definition.handlers ?? {})).toEqual(["Greeter"]);
  });

  test("are found beside CommonJS's exports.default", () => {
    const exports = { name: "one", default: { Greeter: { Hello: hello } } };
    const { definition } = readModule({ ...exports, default: exports });
    expect(definition.name).toBe("one");
    expect(Object.keys(definition.handlers ?? {})).toEqual(["Greeter"]);
  });
});

describe("service()", () => {
  test("takes what would be unclear without it", () => {
    const subscribe = { Created: hello };
    expect(readModule(of(service({ subscribe }))).definition).toEqual({ subscribe });
    expect(failure(of({ subscribe })).message).toBe("subscribe could be a service or a field of one");
  });

  test("gives its functions itself as this", () => {
    const { definition } = readModule(
      of(
        service({
          name: "one",
          start() {
            return this.name;
          },
          subscribe: { created: hello },
        }),
      ),
    );
    expect(definition.start?.({} as never)).toBe("one");
  });
});

const refused: readonly (readonly [what: string, exports: unknown, message: string])[] = [
  ["null", null, "its default export is null"],
  ["an instance of a built-in class", new Map(), "it exports a Map, not a service"],
  ["a boolean", true, "its default export is a boolean"],
  ["a nested leaf", { Greeter: { Hello: { deep: 1 } } }, "Greeter.Hello is an object, not a function"],
  ["a class as a method", { Greeter: { Hello: class Deep {} } }, "Greeter.Hello is a class, not a function"],
  ["an array as a service", { Greeter: [] }, "Greeter is an array, not an object of methods"],
  [
    "an object in an array",
    [{ Hello: hello }],
    "it exports an array with an object, not with classes or their instances",
  ],
  ["a class without methods", class Empty {}, "Empty has no methods"],
  [
    "a name with spaces",
    { name: "my greeter", start: hello },
    'name is "my greeter", not a name of letters, digits, dots and dashes',
  ],
  ["a proto of another kind", { proto: 7, start: hello }, "proto is a number, not a path or a list of paths"],
  ["a check that is none", { name: "one", health: { db: true } }, "health.db is a boolean, not a function"],
  [
    "an unknown field",
    { name: "one", strat: hello },
    "strat is not a field of a service, did you mean start?",
  ],
];

test.each(refused)("%s is refused", (_, value, message) => {
  const error = failure(of(value));
  expect(error.message).toBe(message);
  expect(error.hint).toBeString();
});

describe("a schema of the configuration", () => {
  const standard = { version: 1 as const, vendor: "test", validate: (value: unknown) => ({ value }) };
  const schema = { "~standard": standard };
  const callable = Object.assign(() => {}, schema);

  test("is taken by name and as a field, an object or a function", () => {
    for (const config of [schema, callable]) {
      expect(readModule({ default: { Greeter: { Hello: hello } }, config }).definition.config).toBe(config);
      const { definition } = readModule(of(service({ config, handlers: { Greeter: { Hello: hello } } })));
      expect(definition.config?.["~standard"]).toBe(standard);
    }
  });

  test("is not what else a module calls `config`", () => {
    for (const config of [{ runtime: "edge" }, "x", null, () => {}]) {
      const { definition } = readModule({ default: { Greeter: { Hello: hello } }, config });
      expect("config" in definition).toBe(false);
    }
  });

  test("in service() is nothing else", () => {
    const wrong = failure(
      of(service({ config: { a: 1 } as never, handlers: { Greeter: { Hello: hello } } })),
    );
    expect(wrong.message).toStartWith("config is an object, not a schema");
  });

  test("leaves the name free for a service", () => {
    const { definition } = readModule(of({ config: { Get: hello } }));
    expect(Object.keys(definition.handlers?.config ?? {})).toEqual(["Get"]);
  });
});

describe("middleware", () => {
  const layer: Middleware = (next) => next;

  test("is taken by name and within a definition", () => {
    expect(
      readModule({ ...of({ Greeter: { Hello: hello } }), middleware: [layer] }).definition.middleware,
    ).toEqual([layer]);
    const own = service({ clientMiddleware: [layer], handlers: { Greeter: { Hello: hello } } });
    expect(readModule(of(own)).definition.clientMiddleware).toEqual([layer]);
  });

  test("is a list of functions", () => {
    expect(failure({ ...of({ Greeter: { Hello: hello } }), middleware: layer }).message).toBe(
      "middleware is a function, not a list of middleware, (next) => (call) => next(call)",
    );
  });
});
