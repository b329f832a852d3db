/** The TypeScript half: greets, and asks the Go half to. */
import type { Context } from "microrun";

interface HelloRequest {
  readonly name: string;
}

export const proto = "./greeter.proto";

export default {
  Greeter: { Hello: ({ name }: HelloRequest) => ({ greeting: `Hello ${name}, from TypeScript!` }) },
  Relay: {
    Hello: async ({ name }: HelloRequest, { client }: Context) => {
      const { greeting } = await client.call("go-micro-srv", "Greeter.Hello", { name });
      return { greeting: `Go says: ${greeting}` };
    },
  },
};
