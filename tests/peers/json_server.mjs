// json-server as an upstream: serves the collections of the JSON object in its first argument on a free port of
// 127.0.0.1, says where, and takes new records by POST.
import { createRequire } from "node:module";

const jsonServer = createRequire(import.meta.url)("json-server");
const server = jsonServer.create();
server.use(jsonServer.defaults({ logger: false }));
server.use(jsonServer.router(JSON.parse(process.argv[2])));
const listening = server.listen(0, "127.0.0.1", () => console.log(`listening ${listening.address().port}`));
