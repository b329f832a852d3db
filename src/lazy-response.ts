/** A response whose bytes are there already: it becomes the platform's own only where that is needed. */

export interface WholeResponse {
  readonly status: number;
  /** Flat, names in lower case, without content-length. */
  readonly fields: readonly string[];
  readonly bytes: Uint8Array;
}

interface State {
  readonly whole: WholeResponse;
  native: Response | undefined;
}

export function lazyResponse(whole: WholeResponse): Response {
  const response = Object.create(responsePrototype);
  response.whole = whole;
  response.native = undefined;
  return response;
}

/** Undefined: it has to be read as any other. */
export function wholeResponse(response: Response): WholeResponse | undefined {
  const { whole, native } = response as unknown as Partial<State>;
  return native === undefined ? whole : undefined;
}

/** For a server that takes no other. */
export function nativeResponse(response: Response): Response {
  return "whole" in response ? made(response as unknown as State) : response;
}

function made(state: State): Response {
  if (state.native !== undefined) return state.native;
  const { status, fields, bytes } = state.whole;
  const headers = new Headers();
  for (let i = 0; i < fields.length; i += 2) headers.append(fields[i]!, fields[i + 1]!);
  headers.set("content-length", String(bytes.length));
  state.native = new Response(bytes as Uint8Array<ArrayBuffer>, { status, headers });
  return state.native;
}

const methods = ["arrayBuffer", "blob", "bytes", "clone", "formData", "json", "text"];
const getters = ["body", "bodyUsed", "headers", "redirected", "statusText", "type", "url"];

const responsePrototype: object = Object.create(Response.prototype, {
  ...Object.fromEntries(
    methods.map((name) => [
      name,
      {
        value(this: State, ...given: unknown[]) {
          const native = made(this);
          return (Reflect.get(native, name) as (...given: unknown[]) => unknown).apply(native, given);
        },
      },
    ]),
  ),
  ...Object.fromEntries(
    getters.map((name) => [
      name,
      {
        get(this: State) {
          return Reflect.get(made(this), name);
        },
      },
    ]),
  ),
  status: {
    get(this: State) {
      return this.whole.status;
    },
  },
  ok: {
    get(this: State) {
      return this.whole.status >= 200 && this.whole.status < 300;
    },
  },
});
