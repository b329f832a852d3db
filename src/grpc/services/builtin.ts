/** A service of the runtime's own: its methods are named at once, its schema is parsed when one is first called. */
import type { MessageType, Method } from "../../call.ts";
import type { Endpoint, FileDescriptor, Handler, Schema } from "../../service/service.ts";
import { parseSchema } from "../schema/schema.ts";

export interface BuiltinMethod {
  readonly handler: Handler;
  readonly requestStream?: boolean;
  readonly responseStream?: boolean;
}

export interface Builtin {
  /** Full name: `grpc.health.v1.Health` */
  readonly service: string;
  /** The name and text of its `.proto`. */
  readonly file: string;
  readonly text: string;
  readonly methods: Readonly<Record<string, BuiltinMethod>>;
}

export interface BuiltinPart {
  readonly endpoints: readonly Endpoint[];
  readonly schemas: readonly Schema[];
}

export function builtinPart({ service, file, text, methods }: Builtin): BuiltinPart {
  let parsed: Schema | undefined;
  const schema = (): Schema => (parsed ??= parseSchema(file, text));
  const declared = (name: string): Method => {
    const method = schema()
      .services.get(service)
      ?.find((one) => one.name === name);
    if (method === undefined) throw new TypeError(`${file}: ${service} has no method ${name}`);
    return method;
  };
  const endpoints = Object.entries(methods).map(
    ([name, { handler, requestStream = false, responseStream = false }]): Endpoint => {
      const method: Method = {
        service,
        name,
        requestStream,
        responseStream,
        idempotent: false,
        get request(): MessageType {
          return declared(name).request;
        },
        get response(): MessageType {
          return declared(name).response;
        },
      };
      return { method, handler, internal: true };
    },
  );
  const lazySchema: Schema = {
    get services() {
      return schema().services;
    },
    files: (): readonly FileDescriptor[] => schema().files(),
  };
  return { endpoints, schemas: [lazySchema] };
}
