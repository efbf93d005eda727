// Many clients that mean no good. Arguments: port, how many, what they do. Says "connected" when all are. Ends with its input.
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { HALF_RECORD } from "../support/tls-peers.js";

const [port, count, manner] = process.argv.slice(2);
/** It has no end of a line. */
const PIECE = Buffer.alloc(65_536, "x");
/** What one peer sends: far more than a reader takes, and not so much that the kernel holds gigabytes for all of them. */
const FLOOD = 4 * PIECE.length;

const plain = () => connect(Number(port), "127.0.0.1");
const secure = () => connectTls({ port: Number(port), host: "127.0.0.1", rejectUnauthorized: false });

const MANNERS: Readonly<Record<string, () => Socket>> = {
  "is silent": plain,
  "is silent over TLS": secure,
  floods: () => flooding(plain(), "connect"),
  "floods over TLS": () => flooding(secure(), "secureConnect"),
  "takes nothing": () => plain().pause(),
  "takes nothing over TLS": () => secure().pause(),
  "begins a handshake": () => {
    const socket = plain();
    socket.write(HALF_RECORD);
    return socket;
  },
};

function flooding(socket: Socket, event: string): Socket {
  let sent = 0;
  const send = () => {
    while (sent < FLOOD) {
      sent += PIECE.length;
      if (!socket.write(PIECE)) return;
    }
  };
  return socket.once(event, send).on("drain", send);
}

let waiting = Number(count);
const sockets = Array.from({ length: waiting }, () => {
  const socket = MANNERS[manner!]!().on("error", () => {});
  return socket.once(/TLS/.test(manner!) ? "secureConnect" : "connect", () => {
    if (--waiting === 0) console.log("connected");
  });
});
process.stdin.resume().once("end", () => {
  for (const socket of sockets) socket.destroy();
});
