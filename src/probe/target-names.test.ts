import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parseDebugData } from "../smb/debug-data.ts";
import { debugDataIn, TargetNames } from "./target-names.ts";

const text = readFileSync(new URL("../../test/fixtures/proc/6.12/DebugData_reconn", import.meta.url), "utf8");
const share = { connectionId: 1n, sessionId: 0xdf86_54e9n, treeId: 0x9ffd_7123 };

function namesOf(initial: string) {
  const world = { text: initial, reads: 0, nowNs: 1e12 };
  const clock = { nowNs: () => world.nowNs, wallMs: () => 0 };
  const names = new TargetNames(() => {
    world.reads++;
    return parseDebugData(world.text);
  }, clock);
  return { names, world };
}

describe("TargetNames", () => {
  it("knows server and share of a tree", () => {
    const { names } = namesOf(text);
    assert.deepEqual(names.of(share), { server: "127.0.0.1", share: "\\\\127.0.0.1\\share" });
  });

  it("knows the trees of a session on its further channels too", () => {
    const { names } = namesOf(text);
    const enc = { connectionId: 4n, sessionId: 0xf99a_7bacn, treeId: 0xb0c3_7941 };
    assert.deepEqual(names.of(enc), { server: "127.0.0.1", share: "\\\\127.0.0.1\\enc" });
  });

  it("a connection that is not known is found by its session", () => {
    const { names } = namesOf(text);
    assert.deepEqual(names.of({ ...share, connectionId: 0n }), { server: "127.0.0.1", share: "\\\\127.0.0.1\\share" });
    assert.deepEqual(names.of({ connectionId: 0n, sessionId: 0xbadn, treeId: 0 }), {});
  });

  it("what has neither connection nor session belongs to the server when there is one alone", () => {
    const negotiate = { connectionId: 0n, sessionId: 0n, treeId: 0 };
    assert.deepEqual(namesOf(text).names.of(negotiate), { server: "127.0.0.1" });
    const two = text.replace("1) ConnectionId: 0x1 ", "9) ConnectionId: 0x9 Hostname: other\n1) ConnectionId: 0x1 ");
    assert.notEqual(two, text);
    assert.deepEqual(namesOf(two).names.of(negotiate), {});
  });

  it("what has no tree has a server alone, and asks no more for it", () => {
    const { names, world } = namesOf(text);
    const negotiate = { connectionId: 1n, sessionId: 0n, treeId: 0 };
    assert.deepEqual(names.of(negotiate), { server: "127.0.0.1" });
    world.nowNs += 2e9;
    names.of(negotiate);
    assert.equal(world.reads, 1);
  });

  it("looks for what it does not know at most once a second", () => {
    const { names, world } = namesOf("");
    for (let count = 0; count < 50; count++) assert.deepEqual(names.of(share), {});
    assert.equal(world.reads, 1);
    world.nowNs += 1.1e9;
    world.text = text;
    assert.equal(names.of(share).share, "\\\\127.0.0.1\\share");
    assert.equal(world.reads, 2);
  });

  it("knows the address behind a name", () => {
    const { names } = namesOf(text.replaceAll("Hostname: 127.0.0.1", "Hostname: fileserver"));
    assert.equal(names.of(share).server, "fileserver");
    assert.equal(names.addressOf(1n), "127.0.0.1");
    assert.equal(names.addressOf(99n), undefined);
  });

  it("remembers what has gone", () => {
    const { names, world } = namesOf(text);
    names.of(share);
    world.text = "";
    world.nowNs += 60e9;
    assert.equal(names.of(share).share, "\\\\127.0.0.1\\share");
  });

  it("notices in time that a number stands for another share", () => {
    const { names, world } = namesOf(text);
    names.of(share);
    world.text = text.replace("127.0.0.1\\share", "127.0.0.1\\other");
    world.nowNs += 11e9;
    assert.equal(names.of(share).share, "\\\\127.0.0.1\\other");
  });

  it("a machine without cifs has no DebugData", () => {
    assert.equal(debugDataIn(() => undefined)(), undefined);
  });
});
