// For tests: a server of RPC on a loopback port, that answers what it is told to.
import { connect, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { Xdr, XdrWriter } from "../nfs/xdr.ts";

export interface SeenCall {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly flavor: number;
  /** At the arguments. */
  readonly args: Xdr;
}

/** What comes back: the results of an accepted call, the words behind the XID, or nothing at all. */
export type FakeReply = { readonly results: Buffer } | { readonly words: readonly number[] } | "silence" | "end";

const MARK = 4;

/** A socket that is connected to it. */
export async function fakeServer(
  t: TestContext,
  answer: (call: SeenCall) => FakeReply,
  fragment = 1 << 20,
): Promise<Socket> {
  const server = createServer((socket) => {
    let received = Buffer.alloc(0);
    socket.on("data", (piece) => {
      received = Buffer.concat([received, Buffer.from(piece)]);
      for (;;) {
        if (received.length < MARK) return;
        const length = received.readUInt32BE(0) & 0x7fff_ffff;
        if (received.length < MARK + length) return;
        const xdr = new Xdr(received.subarray(MARK, MARK + length));
        received = received.subarray(MARK + length);
        reply(socket, xdr, answer, fragment);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const socket = connect(address.port, "127.0.0.1");
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  t.after(() => {
    socket.destroy();
    server.close();
  });
  return socket;
}

function reply(socket: Socket, xdr: Xdr, answer: (call: SeenCall) => FakeReply, fragment: number): void {
  const [xid = 0] = [xdr.word(), xdr.word(), xdr.word()];
  const [program = 0, version = 0, procedure = 0, flavor = 0] = [xdr.word(), xdr.word(), xdr.word(), xdr.word()];
  xdr.opaque(400);
  xdr.word();
  xdr.opaque(400);
  const said = answer({ program, version, procedure, flavor, args: xdr });
  if (said === "silence") return;
  if (said === "end") {
    socket.end();
    return;
  }
  const body =
    "results" in said
      ? Buffer.concat([new XdrWriter().words(xid, 1, 0, 0, 0, 0).bytes(), said.results])
      : new XdrWriter().words(xid, ...said.words).bytes();
  for (let at = 0; at < body.length; at += fragment) {
    const piece = body.subarray(at, at + fragment);
    const last = at + fragment >= body.length ? 0x8000_0000 : 0;
    socket.write(Buffer.concat([new XdrWriter().words(last | piece.length).bytes(), piece]));
  }
}
