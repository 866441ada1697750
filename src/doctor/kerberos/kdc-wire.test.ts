import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, it } from "node:test";
import { realNetwork } from "../network/network.ts";
import { realKdcWire } from "./kdc-wire.ts";

const wire = realKdcWire(realNetwork);
const signal = new AbortController().signal;
const question = Buffer.from("question");

describe("a question to a KDC", () => {
  it("by UDP is sent again when nothing comes back", async (t) => {
    const server = createSocket("udp4");
    t.after(() => server.close());
    let asked = 0;
    server.on("message", (message, { port }) => {
      asked++;
      if (asked > 1) server.send(Buffer.concat([message, Buffer.from("!")]), port);
    });
    server.bind(0, "127.0.0.1");
    await once(server, "listening");
    const answer = await wire.udp("127.0.0.1", server.address().port, question, 20_000, signal);
    assert.equal(answer.state === "answer" ? answer.bytes.toString() : answer.state, "question!");
  });

  it("by UDP to a port where nobody is: the kernel says so", async () => {
    const socket = createSocket("udp4").bind(0, "127.0.0.1");
    await once(socket, "listening");
    const { port } = socket.address();
    socket.close();
    await once(socket, "close");
    assert.deepEqual(await wire.udp("127.0.0.1", port, question, 20_000, signal), {
      state: "failed",
      code: "ECONNREFUSED",
    });
  });

  for (const [name, respond, expected] of [
    ["an answer in two pieces", ["00000005", "68656c6c6f"], "hello"],
    ["an answer that is not Kerberos", ["48545450", "2f312e31"], "an answer that is not Kerberos"],
    ["a connection that is closed", [], "closed without an answer"],
  ] as const) {
    it(`by TCP: ${name}`, async (t) => {
      const server = createServer((socket) => {
        socket.on("error", () => {});
        socket.once("data", (bytes) => {
          assert.equal(bytes.toString("latin1"), "\0\0\0\x08question");
          for (const piece of respond) socket.write(Buffer.from(piece, "hex"));
          if (respond.length === 0) socket.end();
        });
      }).listen(0, "127.0.0.1");
      t.after(() => server.close());
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const answer = await wire.tcp("127.0.0.1", port, question, 20_000, signal);
      const told = answer.state === "answer" ? answer.bytes.toString() : answer.state === "failed" ? answer.code : "";
      assert.equal(told, expected);
    });
  }

  it("that nobody answers ends in time, or when it is stopped", async (t) => {
    const server = createServer(() => {}).listen(0, "127.0.0.1");
    const socket = createSocket("udp4").bind(0, "127.0.0.1");
    t.after(() => {
      server.close();
      socket.close();
    });
    await Promise.all([once(server, "listening"), once(socket, "listening")]);
    const { port } = server.address() as AddressInfo;
    assert.equal((await wire.tcp("127.0.0.1", port, question, 50, signal)).state, "timeout");
    assert.equal((await wire.udp("127.0.0.1", socket.address().port, question, 50, signal)).state, "timeout");
    const stopped = AbortSignal.abort();
    assert.equal((await wire.udp("127.0.0.1", socket.address().port, question, 60_000, stopped)).state, "timeout");
  });
});
