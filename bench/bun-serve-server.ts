/** The bare Bun.serve server that microrun's JSON is held against. */

const hello = async ({ name }: { name: string }): Promise<{ greeting: string }> => ({
  greeting: `Hello ${name}!`,
});

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  routes: {
    "/greeter.Greeter/Hello": {
      POST: async (request) => Response.json(await hello((await request.json()) as { name: string })),
    },
  },
  fetch: () => new Response("not found", { status: 404 }),
});
