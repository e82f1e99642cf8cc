import cluster from "node:cluster";
import { createServer } from "node:http";

const { PORT, WORKERS } = process.env;

if (cluster.isPrimary) {
  for (let number = 0; number < Number(WORKERS); number++) cluster.fork();
} else {
  const { toNodeHandler } = await import("better-auth/node");
  const { auth } = await import("./auth.js");
  // The same keep-alive timeout and backlog as in the servers of the other contenders.
  createServer({ keepAliveTimeout: 75_000 }, toNodeHandler(auth)).listen(Number(PORT), "127.0.0.1", 4096);
}
