/** A request that becomes the platform's own Request only where somebody looks further: making one costs as much as a call. */

/** A body that was, or is being, read off a connection. */
export interface IncomingBody {
  /** All of it, where it came along with the head. */
  readonly whole: Uint8Array | undefined;
  /** Undefined: it is larger. Rejects when it is cut off. Not after `stream`. */
  collect(maxBytes: number): Promise<Uint8Array | undefined>;
  stream(): ReadableStream<Uint8Array>;
}

export interface RequestSource {
  readonly method: string;
  readonly url: string;
  /** Kept by the head that they came in, so that what repeats is made once. */
  readonly headers: Headers;
  readonly body: IncomingBody | undefined;
  /** Aborted when the caller leaves. Made when asked for. */
  signal(): AbortSignal;
}

interface State {
  readonly source: RequestSource;
  native: Request | undefined;
}

export function lazyRequest(source: RequestSource): Request {
  const request = Object.create(requestPrototype);
  request.source = source;
  request.native = undefined;
  return request;
}

/** The body of a request that has not become the platform's own. */
export function incomingBody(request: Request): IncomingBody | undefined {
  const { source, native } = request as unknown as Partial<State>;
  return native === undefined ? source?.body : undefined;
}

/** For those who look at more than its names: `new Request(request)`, say. */
export function nativeRequest(request: Request, signal: AbortSignal = request.signal): Request {
  if ("source" in request) return made(request as unknown as State, signal);
  if (signal === request.signal) return request;
  const { url, method, headers, body } = request;
  return new Request(url, { method, headers, signal, ...(body === null ? {} : { body, duplex: "half" }) });
}

function made(state: State, signal?: AbortSignal): Request {
  const { source } = state;
  const { method, url, headers, body } = source;
  const bodiless = body === undefined || method === "GET" || method === "HEAD";
  state.native ??= new Request(url, {
    method,
    headers: [...headers] as [string, string][],
    signal: signal ?? source.signal(),
    ...(bodiless ? {} : { body: (body.whole ?? body.stream()) as Uint8Array<ArrayBuffer>, duplex: "half" }),
  } as RequestInit);
  return state.native;
}

const requestPrototype: object = Object.create(Request.prototype, {
  ...Object.getOwnPropertyDescriptors({
    get method() {
      return (this as unknown as State).source.method;
    },
    get url() {
      return (this as unknown as State).source.url;
    },
    get headers() {
      return (this as unknown as State).source.headers;
    },
    get signal() {
      return (this as unknown as State).source.signal();
    },
  }),
  ...passedOn(["arrayBuffer", "blob", "bytes", "clone", "formData", "json", "text"], made),
  ...asked(["body", "bodyUsed", "cache", "credentials", "destination", "integrity", "keepalive"], made),
  ...asked(["mode", "redirect", "referrer", "referrerPolicy", "duplex"], made),
});

type Method = (...given: unknown[]) => unknown;

function passedOn<S>(names: readonly string[], make: (state: S) => object): PropertyDescriptorMap {
  const one = (name: string): PropertyDescriptor => ({
    value(this: S, ...given: unknown[]) {
      const target = make(this);
      return (Reflect.get(target, name) as Method).apply(target, given);
    },
  });
  return Object.fromEntries(names.map((name) => [name, one(name)]));
}

function asked<S>(names: readonly string[], make: (state: S) => object): PropertyDescriptorMap {
  const one = (name: string): PropertyDescriptor => ({
    get(this: S) {
      return Reflect.get(make(this), name);
    },
  });
  return Object.fromEntries(names.map((name) => [name, one(name)]));
}
