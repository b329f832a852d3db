/** A web service: answers with the name of its host, in a cluster that of its Pod. */
export const name = "go-micro-web";

export default { fetch: (): Response => new Response(process.env.HOSTNAME) };
