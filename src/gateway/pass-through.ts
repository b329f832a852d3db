/** gRPC passed through: any call of any service goes on, unread, to an instance of the service that its name means. */
import { bytesMessage, type Call, type Dispatch, type Method } from "../call.ts";
import { abortReason, MicrorunError } from "../errors.ts";
import type { Endpoint, Service } from "../service/service.ts";
import { isServiceName, withNamespace } from "./rpc-path.ts";

export interface PassRules {
  /** Put before the name of each service, with a dot. Empty: none. */
  readonly namespace: string;
  /** Whose names before it, in `:authority`, are services: `greeter.svc.example` is greeter by `svc.example`. Empty: none. */
  readonly domain: string;
  /** Services by the names of packages, or of gRPC services: `shop.cart.v1` → `cart`. */
  readonly routes: Readonly<Record<string, string>>;
}

export interface PassOptions extends PassRules {
  readonly forward: (service: string, call: Call) => Promise<unknown>;
}

/** The metadata that names a service, before anything else does. */
const named = "micro-service";

const reflection = /^grpc\.reflection\./;

/** What answers of itself, `own`, and passes on everything else. */
export function passThroughService(own: Service): Service {
  const find = (service: string, method: string): Endpoint | undefined => {
    const mine = own.endpoints.find((one) => one.method.service === service && one.method.name === method);
    return mine ?? { method: passed(service, method), handler: undefined, internal: false };
  };
  return { ...own, find, has: () => true };
}

/** @param dispatch of what it answers itself */
export function passThroughDispatch(dispatch: Dispatch, options: PassOptions): Dispatch {
  return async (call) => {
    if (call.type?.passing === undefined) return dispatch(call);
    const service = serviceOf(call, options);
    const contentType = call.field?.("content-type") ?? "application/grpc";
    const micro = call.field?.("x-content-type") !== undefined;
    const type: Method = { ...call.type, passing: { contentType, micro } };
    // its parts are made when they are looked at
    const { metadata, signal, deadline, reply, request, method } = call;
    if (signal.aborted) throw abortReason(signal);
    return options.forward(service, {
      ...{ service: call.service, method, request, metadata, signal, type },
      ...(deadline === undefined ? {} : { deadline }),
      ...(reply === undefined ? {} : { reply }),
    });
  };
}

/**
 * Told by metadata; else by the host that was called; else by a route of the gRPC service or its package; else the package's
 * name, or without one the gRPC service's own, in lower case.
 * @throws MicrorunError `invalid_argument` for what can be no service's name; `unimplemented` for reflection of nobody
 */
export function serviceOf(call: Call, { namespace, domain, routes }: PassRules): string {
  const name = call.metadata.get(named) ?? hostService(call.field?.(":authority"), domain);
  if (name !== undefined) return checked(name, namespace);
  const dot = call.service.lastIndexOf(".");
  const owner = call.service.slice(0, Math.max(0, dot));
  const routed = [call.service, owner].find((one) => Object.hasOwn(routes, one));
  if (routed !== undefined) return routes[routed]!;
  // clients go on without it, but not without a service
  if (reflection.test(call.service))
    throw new MicrorunError("unimplemented", "reflection is of one service, which this call does not name", {
      hint: `name it by the metadata ${named}`,
    });
  return checked(owner === "" ? call.service.slice(dot + 1).toLowerCase() : owner, namespace);
}

function hostService(authority: string | undefined, domain: string): string | undefined {
  const host = (authority ?? "").replace(/:\d+$/, "").toLowerCase();
  return domain !== "" && host.endsWith(`.${domain}`) ? host.slice(0, -domain.length - 1) : undefined;
}

function checked(name: string, namespace: string): string {
  if (isServiceName(name)) return withNamespace(name, namespace);
  throw new MicrorunError("invalid_argument", `${named}: not a service's name`);
}

/** Any of the four kinds is a stream both ways to those who do not read it. */
function passed(service: string, name: string): Method {
  return {
    ...{ service, name, requestStream: true, responseStream: true, idempotent: false },
    request: bytesMessage,
    response: bytesMessage,
    passing: { contentType: "", micro: false },
  };
}
