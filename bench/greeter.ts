/** The greeter that microrun is measured with: async handlers, of one reply and of a stream, as the other servers have them. */
export const proto = "../test/peers/greeterpb/greeter.proto";

interface Name {
  readonly name: string;
}

interface Greeting {
  readonly greeting: string;
}

export default {
  Greeter: {
    async Hello({ name }: Name): Promise<Greeting> {
      return { greeting: `Hello ${name}` };
    },

    /** To `count:COUNT:NAME`, COUNT greetings. */
    async *LotsOfReplies({ name: asked }: Name): AsyncGenerator<Greeting> {
      const [, count, name] = asked.split(":");
      for (let sent = 0; sent < Number(count); sent++) yield { greeting: `Hello ${name}` };
    },
  },
};
