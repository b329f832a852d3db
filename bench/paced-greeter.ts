/** A greeter for microrun that takes its time: as many milliseconds as PACE_MS says. */
export const proto = "../test/peers/greeterpb/greeter.proto";

const paceMs = Number(process.env.PACE_MS);

export default {
  Greeter: {
    async Hello({ name }: { name: string }): Promise<{ greeting: string }> {
      await new Promise((resolve) => setTimeout(resolve, paceMs));
      return { greeting: `Hello ${name}!` };
    },
  },
};
