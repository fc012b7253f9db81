// Where events are delivered to: keeps a ledger of what arrives, and answers as it is told.
import { createServer } from "node:http";

const fine = () => ({ status: 200, body: "thanks" });

export async function startReceiver() {
  const arrivals = [];
  let reply = fine;
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const arrival = { path: request.url, headers: request.headers, body: Buffer.concat(parts) };
    arrivals.push(arrival);
    const { status, headers = {}, body = "" } = reply(arrival);
    response.writeHead(status, headers).end(body);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    arrivals,
    /** `answer` takes an arrival and gives `{ status, headers, body }`; nothing given means 200. */
    answers(answer = fine) {
      reply = answer;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
