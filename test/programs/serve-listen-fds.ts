// Serves at the sockets that listenFds() gives, and says which, and what of the variables is left; or the error. Ends
// with its input.
import { listenFds, startServer, type Server } from "asyncio-streams";

const options = process.argv[2] === "keep" ? { unsetEnvironment: false } : undefined;
const servers: Server[] = [];
try {
  for (const sock of listenFds(options)) {
    const { fd, name } = sock;
    const server = await startServer((_reader, writer) => writer.write(`${name}\n`), { sock });
    servers.push(server);
    console.log(`${fd} ${name} ${JSON.stringify(server.sockets[0]!.getsockname())}`);
  }
} catch (error) {
  console.log(String(error));
}
const left = Object.keys(process.env).filter((name) => name.startsWith("LISTEN_"));
console.log(`left ${left.toSorted().join()}`);
process.stdin.resume().once("end", () => {
  for (const server of servers) {
    server.abortClients();
    server.close();
  }
});
