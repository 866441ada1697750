import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { XdrWriter } from "../nfs/xdr.ts";
import { type FakeReply, fakeServer, type SeenCall } from "./fixture.ts";
import { askMount, listExports } from "./mountd.ts";
import { walk } from "./namespace.ts";
import { hasMinor, nullCall } from "./nfs.ts";
import { RpcConnection } from "./rpc.ts";
import { dumpRpcbind, portOf } from "./rpcbind.ts";
import { openSession, withoutSession } from "./session.ts";

const as = { machine: "client", uid: 0, gid: 0 };
const limits = { timeoutMs: 5000 };
const words = (...all: readonly number[]): XdrWriter => new XdrWriter().words(...all);
const done = (xdr: XdrWriter): FakeReply => ({ results: xdr.bytes() });

async function client(
  t: TestContext,
  answer: (call: SeenCall) => FakeReply,
  fragment?: number,
): Promise<RpcConnection> {
  const rpc = new RpcConnection(await fakeServer(t, answer, fragment));
  t.after(() => rpc.close());
  return rpc;
}

describe("RPC", () => {
  test("a call is answered, in however many fragments", async (t) => {
    const rpc = await client(t, ({ args }) => done(words(args.word() ?? 0, 8)), 3);
    const args = words(7).bytes();
    const reply = await rpc.call({ program: 1, version: 2, procedure: 3, args, as }, limits);
    assert.equal(reply.state, "done");
    assert.deepEqual([reply.results.word(), reply.results.word(), reply.results.word()], [7, 8, undefined]);
  });

  for (const [what, said, expected] of [
    ["a program that is not there", [1, 0, 0, 0, 1], { why: "PROG_UNAVAIL" }],
    ["another version", [1, 0, 0, 0, 2, 3, 4], { why: "PROG_MISMATCH", versions: { low: 3, high: 4 } }],
    ["credentials that are too weak", [1, 1, 1, 5], { why: "AUTH_TOOWEAK" }],
    ["another version of RPC", [1, 1, 0, 2, 2], { why: "RPC_MISMATCH" }],
  ] as const) {
    test(`${what} is a refusal with its name`, async (t) => {
      const { tookMs: _, ...reply } = await nullCall(await client(t, () => ({ words: said })), 3, limits);
      assert.deepEqual(reply, { state: "denied", ...expected });
    });
  }

  test("no answer, an ended connection and nonsense are told apart", async (t) => {
    const silent = await client(t, () => "silence");
    assert.equal((await nullCall(silent, 3, { timeoutMs: 30 })).state, "silent");
    const ended = await nullCall(await client(t, () => "end"), 3, limits);
    assert.equal(ended.state, "closed");
    const nonsense = await nullCall(await client(t, () => ({ words: [7, 7] })), 3, limits);
    assert.deepEqual([nonsense.state, "why" in nonsense && nonsense.why], ["closed", "what came is no answer of RPC"]);
  });

  test("an answer without end is not kept in memory", async (t) => {
    const socket = await fakeServer(t, () => "silence");
    const rpc = new RpcConnection(socket);
    const reply = nullCall(rpc, 3, limits);
    socket.emit("data", Buffer.from("7fffffff", "hex"));
    assert.equal((await reply).state, "closed");
  });
});

describe("rpcbind", () => {
  const entry = (xdr: XdrWriter, program: number, version: number, netid: string, address: string): XdrWriter =>
    xdr.words(1, program, version).opaque(netid).opaque(address).opaque("superuser");

  test("its list, with ports from universal addresses; what is local has none", async (t) => {
    const list = entry(entry(words(), 100003, 4, "tcp", "0.0.0.0.8.1"), 100000, 4, "local", "/run/rpcbind.sock").words(
      0,
    );
    const found = await dumpRpcbind(await client(t, () => done(list)), limits);
    assert.deepEqual(found.state === "listed" && found.list, [
      { program: 100003, version: 4, netid: "tcp", port: 2049 },
    ]);
  });

  test("an old portmapper is asked in its own version, and for single ports", async (t) => {
    const rpc = await client(t, ({ version, procedure }) => {
      if (version !== 2) return { words: [1, 0, 0, 0, 2, 2, 2] };
      return done(procedure === 3 ? words(635) : words(1, 100005, 3, 6, 635, 1, 100005, 3, 17, 635, 0));
    });
    const found = await dumpRpcbind(rpc, limits);
    assert.deepEqual(found.state === "listed" && found.list.map(({ netid, port }) => [netid, port]), [
      ["tcp", 635],
      ["udp", 635],
    ]);
    assert.equal(await portOf(rpc, 100005, 3, limits), 635);
  });
});

describe("mountd", () => {
  test("exports and who may", async (t) => {
    const list = words(1).opaque("/srv").words(1).opaque("10.0.0.0/8").words(1).opaque("admin").words(0);
    const rpc = await client(t, () => done(list.words(1).opaque("/pub").words(0, 0)));
    assert.deepEqual(await listExports(rpc, limits), [
      { path: "/srv", clients: ["10.0.0.0/8", "admin"] },
      { path: "/pub", clients: [] },
    ]);
  });

  test("a handle with its flavours, or the name of the refusal; asked as root", async (t) => {
    const rpc = await client(t, ({ args, flavor }) => {
      assert.equal(flavor, 1);
      if (args.text(100) !== "/srv") return done(words(13));
      return done(words(0).opaque(Buffer.from("handle")).words(2, 1, 390003));
    });
    assert.deepEqual(await askMount(rpc, "/srv", as, limits), {
      state: "mounted",
      handle: Buffer.from("handle"),
      flavors: ["sys", "krb5"],
    });
    assert.deepEqual(await askMount(rpc, "/other", as, limits), { state: "refused", status: "MNT3ERR_ACCES" });
  });
});

/** The operations of a COMPOUND that have no arguments but a text. */
function operationsOf({ args }: SeenCall): { minor: number; operations: (number | string)[] } {
  args.opaque(100);
  const [minor = 0, count = 0] = [args.word(), args.word()];
  const operations: (number | string)[] = [];
  for (let index = 0; index < count; index++) {
    const number = args.word() ?? 0;
    operations.push(number);
    if (number === 15 || number === 33) operations.push(args.text(256) ?? "");
    if (number === 22) operations.push(args.text(128) ?? "");
    if (number === 3) args.word();
    if (number === 53) args.skip(8);
    if (number > 41 && number !== 53 && number !== 52) break;
  }
  return { minor, operations };
}

/** Status, empty tag, number of results, results. */
const compoundReply = (status: number, results: readonly Buffer[]): FakeReply => ({
  results: Buffer.concat([words(status, 0, results.length).bytes(), ...results]),
});
const plain = (operation: number, status = 0): Buffer => words(operation, status).bytes();

describe("NFSv4", () => {
  test("a minor version that the server has refuses for want of a session, one that it has not by name", async (t) => {
    const rpc = await client(t, (call) => {
      const { minor } = operationsOf(call);
      if (minor === 2) return compoundReply(10021, []);
      return minor === 1 ? compoundReply(10071, [plain(24, 10071)]) : compoundReply(0, [plain(24)]);
    });
    const has = async (minor: number) => {
      const asked = await hasMinor(rpc, minor, as, limits);
      return "has" in asked && asked.has;
    };
    assert.deepEqual([await has(0), await has(1), await has(2)], [true, true, false]);
  });

  test("a long way is walked in strides, and where it ends is told", async (t) => {
    const seen: string[] = [];
    const rpc = await client(t, (call) => {
      const { operations } = operationsOf(call);
      const names = operations.flatMap((one, index) => (operations[index - 1] === 15 ? [String(one)] : []));
      seen.push(...names);
      if (!names.includes("gone")) {
        const results = [plain(24), ...names.map(() => plain(15)), words(10, 0).opaque("next").bytes()];
        return compoundReply(0, results);
      }
      const before = names.slice(0, names.indexOf("gone")).map(() => plain(15));
      return compoundReply(2, [plain(22), ...before, plain(15, 2)]);
    });
    const walked = await walk(withoutSession(rpc, as), "/a/b/c/d/e/f/g/h/i/gone/k", limits);
    assert.deepEqual(walked, { state: "refused", at: "/a/b/c/d/e/f/g/h/i/gone", status: "NFS4ERR_NOENT" });
    assert.deepEqual(seen.join(""), "abcdefghigonek");
  });

  test("where the flavour is wrong, SECINFO says which are right", async (t) => {
    const oid = Buffer.from("2a864886f712010202", "hex");
    const rpc = await client(t, (call) => {
      const { operations } = operationsOf(call);
      if (!operations.includes(33)) return compoundReply(10016, [plain(24), plain(15, 10016)]);
      const list = words(33, 0, 2, 6).opaque(oid).words(0, 3, 1).bytes();
      return compoundReply(0, [plain(24), list]);
    });
    assert.deepEqual(await walk(withoutSession(rpc, as), "/srv", limits), {
      state: "refused",
      at: "/srv",
      status: "NFS4ERR_WRONGSEC",
      flavors: ["krb5p", "sys"],
    });
  });

  test("4.1 is walked within a session of its own, which is ended", async (t) => {
    const seen: number[] = [];
    const sequence = [53, 0, 1, 2, 3, 4, 1, 0, 0, 0, 0];
    const rpc = await client(t, (call) => {
      const { operations, minor } = operationsOf(call);
      assert.equal(minor, 1);
      const [first] = operations.map(Number);
      seen.push(first ?? 0);
      if (first === 42) return compoundReply(0, [words(42, 0, 7, 7, 1, 0).bytes()]);
      if (first === 43) return compoundReply(0, [words(43, 0, 1, 2, 3, 4).bytes()]);
      if (first !== 53) return compoundReply(0, [plain(first ?? 0)]);
      return compoundReply(0, [words(...sequence).bytes(), plain(24), plain(15), plain(3)]);
    });
    const session = await openSession(rpc, 1, as, limits);
    assert.ok(typeof session === "object" && "run" in session);
    assert.deepEqual(await walk(session, "/srv", limits), { state: "found" });
    await session.end(limits);
    assert.deepEqual(seen, [42, 43, 53, 44, 57]);
  });
});
