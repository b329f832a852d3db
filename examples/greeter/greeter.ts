/** A service: each object holds the methods of one gRPC service of greeter.proto. */
export default {
  Greeter: {
    Hello: ({ name }: { name: string }) => ({ greeting: `Hello ${name}!` }),
  },
};
