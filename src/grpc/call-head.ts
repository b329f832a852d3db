/** What the head of a request says of a call. */
import { MicrorunError } from "../errors.ts";
import type { Endpoint, Service } from "../service/service.ts";
import { type Codec, codecFor, codecOf } from "./content.ts";
import { checkFields, type Fields } from "./metadata.ts";
import { readTimeout } from "./timeout.ts";

/** Of one head for as many calls as it comes with. */
export interface CallHead {
  readonly path: string;
  readonly contentType: string;
  readonly headers: Fields;
  /** Undefined where the path names none. */
  readonly endpoint: Endpoint | undefined;
  readonly codec: Codec;
  readonly timeoutMs: number | undefined;
  /** Why it is answered without being looked at further. */
  readonly fault: MicrorunError | undefined;
}

/** Paths whose endpoint is remembered: callers may put any package before a service's name. */
const maxPaths = 1000;

/** Of messages, what each engine can unpack; empty: none is named. */
const readable: ReadonlySet<string> = new Set(["", "identity", "deflate", "gzip"]);

export function headReader(service: Service): (headers: Fields) => CallHead {
  const known = new Map<string, Endpoint>();

  const find = (path: string): Endpoint | undefined => {
    const before = known.get(path);
    if (before !== undefined) return before;
    const [root, serviceName = "", method = "", ...rest] = path.split("/");
    const endpoint = root === "" && rest.length === 0 ? service.find(serviceName, method) : undefined;
    if (endpoint !== undefined && known.size < maxPaths) known.set(path, endpoint);
    return endpoint;
  };

  return (headers) => {
    const path = String(headers[":path"] ?? "");
    const contentType = String(headers["content-type"]);
    const endpoint = find(path);
    let timeoutMs: number | undefined;
    let fault: MicrorunError | undefined;
    try {
      if (endpoint === undefined) throw notFound(path, service);
      checkFields(headers);
      timeoutMs = readTimeout(text(headers["grpc-timeout"]), text(headers.timeout));
      checkEncoding(text(headers["grpc-encoding"]));
    } catch (error) {
      fault = MicrorunError.from(error);
    }
    const codec = endpoint === undefined ? codecOf(contentType) : codecFor(endpoint.method, contentType);
    return { path, contentType, headers, endpoint, codec, timeoutMs, fault };
  };
}

function text(value: Fields[string]): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** Whether its messages are packed or not, as grpc-go has it. */
function checkEncoding(encoding: string | undefined): void {
  if (encoding === undefined || readable.has(encoding)) return;
  throw new MicrorunError("unimplemented", `messages of an encoding that is not known: ${encoding}`);
}

function notFound(path: string, service: Service): MicrorunError {
  const [root, serviceName = "", method = "", ...rest] = path.split("/");
  if (root !== "" || rest.length > 0 || !path.includes("/", 1))
    return new MicrorunError("unimplemented", `malformed method name: ${path}`);
  if (service.has(serviceName))
    return new MicrorunError("unimplemented", `unknown method ${method} for service ${serviceName}`);
  return new MicrorunError("unimplemented", `unknown service ${serviceName}`);
}
