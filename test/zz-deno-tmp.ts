import { hosts, greeterFetch, raw } from "/work/main/test/http-hosts.ts";
(globalThis as any).Bun ??= { sleep: (ms: number) => new Promise((r) => setTimeout(r, ms)) };
const call = (name: string) => { const body = JSON.stringify({ name }); return `POST /greeter.Greeter/Hello HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`; };
for (const host of hosts.slice(0, 2)) {
  console.log("==", host.name);
  let signal: any; const arrived = Promise.withResolvers<void>(); const goOn = Promise.withResolvers<void>();
  const server = await host.open({ fetch: greeterFetch({ wait: async (c) => { signal = c.signal; arrived.resolve(); await goOn.promise; return { greeting: "at last" }; }, fetch: async (r) => new Response(new ReadableStream({ async pull(c) { await Bun.sleep(50); c.enqueue(new TextEncoder().encode("x")); }, cancel() { console.log("cancelled"); } })) }) });
  const url = `http://${server.address}`;
  console.log(await (await fetch(`${url}/greeter.Greeter/Hello`, { method: "POST", body: '{"name":"deno"}' })).text());
  console.log(await (await fetch(`${url}/greeter.Greeter/Hello`, { method: "POST", body: '{"name":"' + "x".repeat(200000) + '"}' })).text());
  console.log(await (await fetch(`${url}/livez`)).text(), await (await fetch(`${url}/health`)).text());
  const c1 = await raw(server.address, "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n"); await c1.until("ok"); 
  c1.socket.write("GET /health HTTP/1.1\r\nhost: x\r\n\r\n"); try { await c1.until("\r\n\r\nOK"); console.log("keep-alive ok"); } catch (e: any) { console.log("NO keep-alive", c1.text()); }
  const s = await raw(server.address, "GET /sse HTTP/1.1\r\nhost: x\r\n\r\n"); await s.until("x\r\n"); s.socket.destroy(); await Bun.sleep(200);
  const left = await raw(server.address, call("wait")); await arrived.promise; left.socket.destroy(); await Bun.sleep(200); console.log("aborted:", signal.aborted, String(signal.reason?.code)); 
  const busy = await raw(server.address, call("wait")); await Bun.sleep(100);
  const stop = server[Symbol.asyncDispose](); await Bun.sleep(50); goOn.resolve(); await busy.closed; console.log(busy.text().slice(-25)); await stop; console.log("stopped");
}
process.exit(0);
