/** A method's schema as its service tells it by reflection, asked through a client: wherever that finds the service. */
import type { Dispatch, Method } from "./call.ts";
import type { CallOptions, Client } from "./client/client.ts";
import { grpc } from "./plugins.ts";

/** As in a path: `greeter.Greeter`, `Hello`. */
export interface MethodNames {
  readonly service: string;
  readonly method: string;
}

/**
 * @param service as the client finds it
 * @returns undefined where the service tells nothing of itself
 * @throws MicrorunError as the service answers; `unimplemented`, naming the nearest, for a method that it does not have
 */
export async function learnedMethod(
  client: Client,
  service: string,
  names: MethodNames,
  options: CallOptions & { readonly timeoutMs: number },
): Promise<Method | undefined> {
  const until = Date.now() + options.timeoutMs;
  const dispatch: Dispatch = async ({ request, type, signal }) => {
    // a client tells JSON, a dispatch the handler's values
    const { decodeJson: _, ...response } = type!.response;
    const plain: Method = { ...type!, response: { ...response, toJson: (value) => value } };
    const timeoutMs = Math.max(1, until - Date.now());
    return client.stream(service, `${plain.service}.${plain.name}`, request, {
      ...{ ...options, type: plain, signal, timeoutMs },
    });
  };
  const { reflectedMethod } = await grpc.reflected();
  return reflectedMethod(dispatch, names.service, names.method, new AbortController().signal);
}
