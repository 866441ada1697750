import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MountedFileSystem, Observation } from "../detect/observation.ts";
import type { Outcome, Situation, Source } from "../sources/source.ts";
import { Sources } from "./sources.ts";

const S = 1e9;
const seen: Outcome = { observations: [{ type: "journal", nowNs: 0, lines: [] }] };

/** A source that does what it is told to. */
function sourceOf(name: string, read: Source["read"], everyNs = 1 * S): Source & { looks: number } {
  return {
    name,
    summary: "/nowhere",
    timeoutMs: 2000,
    looks: 0,
    everyNs: () => everyNs,
    read(situation, signal) {
      this.looks++;
      return read(situation, signal);
    },
  };
}

function world(...sources: Source[]) {
  let nowNs = 100 * S;
  const observed: Observation[] = [];
  const said: string[] = [];
  const log = {
    warn: (_: object, message: string) => void said.push(message),
    info: (_: object, message: string) => void said.push(message),
  };
  const all = new Sources({ sources, nowNs: () => nowNs, observed: (one) => observed.push(one), log });
  return {
    all,
    observed,
    said,
    seconds: async (count: number) => {
      for (let second = 0; second < count; second++) {
        all.beat();
        await new Promise((resolve) => setImmediate(resolve));
        nowNs += S;
      }
    },
    of: (name: string) => all.health.find((health) => health.name === name) ?? assert.fail(name),
  };
}

const mount = (protocol: "smb" | "nfs"): MountedFileSystem => ({
  target: { protocol },
  mountPoint: "/mnt",
  device: "0:1",
  type: "cifs",
});

describe("the sources of the daemon", () => {
  it("have their turns, and say when they succeeded last", async () => {
    const often = sourceOf("often", () => seen);
    const seldom = sourceOf("seldom", () => seen, 5 * S);
    const { seconds, of, observed } = world(often, seldom);
    await seconds(10);
    assert.deepEqual([often.looks, seldom.looks], [10, 2]);
    const { state, lastSuccessNs, failures } = of("often");
    assert.deepEqual([state, lastSuccessNs, failures], ["ok", 109 * S, 0]);
    assert.equal(observed.filter(({ type }) => type === "journal").length, 12);
  });

  it("a source that throws stops no other, says why and since when, and comes back", async () => {
    let broken = true;
    const bad = sourceOf("bad", () => {
      if (broken) throw new Error("no permission");
      return seen;
    });
    const good = sourceOf("good", () => seen);
    const { seconds, of, observed, said } = world(bad, good);
    await seconds(5);
    assert.deepEqual([of("bad").state, of("bad").why, of("bad").sinceNs], ["failed", "no permission", 100 * S]);
    assert.equal(good.looks, 5);
    // It is asked again, but not every second.
    assert.equal(bad.looks, 1);
    broken = false;
    await seconds(6);
    assert.deepEqual([of("bad").state, of("bad").why], ["ok", undefined]);
    const states = observed.filter((one) => one.type === "source" && one.source === "bad");
    assert.deepEqual(
      states.map((one) => one.type === "source" && [one.state, one.why]),
      [
        ["failed", "no permission"],
        ["ok", undefined],
      ],
    );
    assert.deepEqual(said, ["a source has failed", "a source is back"]);
  });

  it("a rejected look counts as one that threw", async () => {
    const { seconds, of } = world(sourceOf("bad", () => Promise.reject(new Error("gone"))));
    await seconds(1);
    assert.deepEqual([of("bad").state, of("bad").why, of("bad").failures], ["failed", "gone", 1]);
  });

  it("a source that hangs is given up in time; no second look begins, and what it still says is not heard", async () => {
    let answer: (outcome: Outcome) => void = () => {};
    let signal: AbortSignal | undefined;
    const hung = sourceOf("hung", (_, given) => {
      signal = given;
      return new Promise((resolve) => {
        answer = resolve;
      });
    });
    const good = sourceOf("good", () => nothing);
    const { seconds, of, observed } = world(hung, good);
    await seconds(2);
    assert.equal(of("hung").state, "starting");
    await seconds(3);
    assert.deepEqual([of("hung").state, of("hung").why], ["failed", "no answer within 2 s"]);
    assert.equal(signal?.aborted, true);
    await seconds(20);
    assert.equal(hung.looks, 1);
    assert.equal(good.looks, 25);
    assert.equal(of("hung").timeouts, 1);
    assert.ok(of("hung").skipped > 0);
    answer(seen);
    await seconds(1);
    assert.equal(observed.filter(({ type }) => type === "journal").length, 0);
    await seconds(11);
    assert.equal(hung.looks, 2);
  });

  it("what there is not to look at is off, with the reason, and is no failure", async () => {
    const { seconds, of } = world(sourceOf("absent", () => ({ off: "journalctl is not installed" })));
    await seconds(2);
    const { state, why, failures, lastSuccessNs } = of("absent");
    assert.deepEqual([state, why, failures, lastSuccessNs], ["off", "journalctl is not installed", 0, undefined]);
  });

  it("what is not wanted is never looked at", async () => {
    const unwanted = sourceOf("unwanted", () => seen);
    const observed: Observation[] = [];
    const all = new Sources({
      sources: [unwanted],
      excluded: new Set(["unwanted"]),
      nowNs: () => 0,
      observed: (one) => observed.push(one),
      log: { warn: () => {}, info: () => {} },
    });
    all.beat();
    assert.equal(unwanted.looks, 0);
    assert.deepEqual([all.health[0]?.state, all.health[0]?.why], ["off", "the configuration excludes it"]);
  });

  it("degraded: it goes on and says what is missing", async () => {
    const { seconds, of } = world(sourceOf("half", () => ({ observations: [], degraded: "no stacks" })));
    await seconds(1);
    assert.deepEqual([of("half").state, of("half").why], ["degraded", "no stacks"]);
  });

  it("trouble is told to all for a while", async () => {
    const situations: boolean[] = [];
    let troubled = true;
    const finds = sourceOf("finds", () => ({ observations: [], trouble: troubled }));
    const asks = sourceOf("asks", ({ trouble }: Situation) => {
      situations.push(trouble);
      return nothing;
    });
    const { seconds } = world(finds, asks);
    await seconds(1);
    troubled = false;
    await seconds(20);
    assert.deepEqual(situations.slice(0, 15), Array(15).fill(true));
    assert.equal(situations.at(-1), false);
  });

  it("a look that takes long is made more rarely, less so in trouble", async () => {
    let nowNs = 0;
    const slow = sourceOf("slow", () => {
      nowNs += 0.1 * S;
      return nothing;
    });
    const log = { warn: () => {}, info: () => {} };
    const all = new Sources({ sources: [slow], nowNs: () => nowNs, observed: () => {}, log });
    const seconds = (count: number): void => {
      for (let second = 0; second < count; second++) {
        all.beat();
        nowNs += S;
      }
    };
    seconds(20);
    assert.equal(slow.looks, 4);
    all.trouble();
    seconds(10);
    assert.ok(slow.looks >= 12, String(slow.looks));
  });

  it("mounts and probes make the situation", () => {
    const { all } = world();
    assert.deepEqual(all.situation, {
      ...{ trouble: false, idle: true, blindSmb: true, blindNfs: true, smb: false, nfs: false },
    });
    all.probe("smb_wire", true);
    const change = { type: "mounts", nowNs: 0, mounted: [], unmounted: [] } as const;
    all.mounted({ ...change, all: [mount("smb"), mount("nfs")] });
    assert.deepEqual([all.situation.smb, all.situation.nfs], [true, true]);
    all.mounted({ ...change, all: [mount("smb")] });
    assert.deepEqual(all.situation, {
      ...{ trouble: false, idle: true, blindSmb: false, blindNfs: true, smb: true, nfs: false },
    });
  });

  it("is idle ten seconds after the last request, and only where a probe would have seen one", async () => {
    const { all, seconds } = world();
    const change = { type: "mounts", nowNs: 0, mounted: [], unmounted: [] } as const;
    all.mounted({ ...change, all: [mount("smb")] });
    assert.equal(all.situation.idle, false, "no probe");
    all.probe("smb_wire", true);
    assert.equal(all.situation.idle, true);
    all.busy();
    await seconds(9);
    assert.equal(all.situation.idle, false);
    await seconds(1);
    assert.equal(all.situation.idle, true);
    all.mounted({ ...change, all: [mount("smb"), mount("nfs")] });
    assert.equal(all.situation.idle, false, "a mount that nobody watches");
  });

  it("nothing is looked at after the end", async () => {
    let closed = 0;
    const source = { ...sourceOf("one", () => seen), close: () => void closed++ };
    const { all, seconds } = world(source);
    await seconds(1);
    all.close();
    await seconds(3);
    assert.deepEqual([source.looks, closed], [1, 1]);
  });
});

const nothing: Outcome = { observations: [] };
