import { connect, createServer, type Socket } from "node:net";
import type { Lab } from "./lab.ts";

/** What is done to the messages of SMB2 on their way; each has its header at 0. */
export interface ProxyRules {
  /** `end`: the connection is closed, `reset`: it is reset, in the place of handing it on. */
  readonly request?: (message: Buffer) => "end" | "reset" | undefined;
  /** May change it. */
  readonly answer?: (message: Buffer) => void;
}

/** Of the header: MS-SMB2 2.2.1.2. */
export const commandOf = (message: Buffer): number => message.readUInt16LE(12);
export const setStatus = (message: Buffer, status: number): void => {
  message.writeUInt32LE(status, 8);
};

/** Another way to the lab's Samba, by a port of its own, until the scenario ends. */
export async function startSmbProxy(lab: Lab, port: number, { request, answer }: ProxyRules): Promise<void> {
  const proxy = createServer((client) => {
    const server = connect(445, "127.0.0.1");
    eachMessage(client, (frame) => {
      const end = request?.(frame.subarray(4));
      if (end === undefined) server.write(frame);
      else if (end === "end") client.destroy();
      else client.resetAndDestroy();
    });
    eachMessage(server, (frame) => {
      answer?.(frame.subarray(4));
      client.write(frame);
    });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const)
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(port, "127.0.0.1", resolve));
  lab.onEnd("close the proxy", async () => {
    proxy.close();
  });
}

/** Whole messages, each with the four bytes of its length before it. */
function eachMessage(socket: Socket, take: (frame: Buffer) => void): void {
  let pending: Buffer = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    pending = Buffer.concat([pending, bytes]);
    while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE(0)) {
      const end = 4 + pending.readUInt32BE(0);
      take(pending.subarray(0, end));
      pending = pending.subarray(end);
    }
  });
}
