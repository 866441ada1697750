import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProbeExit } from "../../probe/helper.ts";
import type { ProbeEvent } from "../../probe/op.ts";
import { lacksNothing, ProbeManager } from "./manager.ts";

const S = 1e9;
const hello: ProbeEvent = {
  type: "hello",
  hello: { pid: 7, probe: "smb_wire", module: "cifs", release: "6.12.0", ring: 16384, hooks: [] },
};

function setUp() {
  const world = {
    nowNs: 0,
    loaded: false,
    starts: 0,
    settings: 0,
    states: [] as string[],
    unneeded: undefined as string | undefined,
    /** Undefined: a helper ends as soon as it is asked to. */
    ending: undefined as Promise<void> | undefined,
  };
  let onEvent: (event: ProbeEvent) => void = () => {};
  let onExit: (exit: ProbeExit) => void = () => {};
  const manager = new ProbeManager({
    name: "smb_wire",
    module: "cifs",
    settings: { slowUs: null, inflightUs: null },
    moduleLoaded: () => world.loaded,
    unneeded: () => world.unneeded,
    start: (event, exit) => {
      world.starts++;
      onEvent = event;
      onExit = exit;
      return {
        set: () => world.settings++,
        history: () => 1,
        stop: async () => {
          if (world.ending !== undefined) await world.ending;
          exit({ requested: true, unsupported: false, message: "stopped" });
        },
      };
    },
    nowNs: () => world.nowNs,
    onEvent: () => {},
    onState: (state) => world.states.push(state.state),
  });
  const seconds = (count: number): void => {
    for (let second = 0; second < count; second++) {
      world.nowNs += S;
      manager.beat();
    }
  };
  const exit = (message: string, unsupported = false) => onExit({ requested: false, unsupported, message });
  return { world, manager, seconds, exit, say: (event: ProbeEvent) => onEvent(event) };
}

test("it waits for the module, starts when it appears, and sends the settings", () => {
  const { world, manager, seconds, say } = setUp();
  seconds(100);
  assert.deepEqual(manager.state, { state: "waiting", why: "the kernel module cifs is not loaded" });
  world.loaded = true;
  seconds(1);
  assert.equal(world.settings, 1);
  assert.equal(manager.probe, undefined, "not before it has said hello");
  say(hello);
  assert.equal(manager.state.state, "running");
  seconds(100);
  assert.equal(world.starts, 1);
});

test("what is not supported here is not tried again, and says why", () => {
  const { world, manager, seconds, exit } = setUp();
  world.loaded = true;
  seconds(1);
  exit("no BTF for cifs", true);
  seconds(1000);
  assert.equal(world.starts, 1);
  assert.deepEqual(manager.state, { state: "unsupported", why: "no BTF for cifs" });
  world.loaded = false;
  seconds(1);
  world.loaded = true;
  seconds(1);
  assert.equal(world.starts, 2, "another build of the module may do");
});

test("after a failure it waits longer each time, and gives up in the end", () => {
  const { world, manager, seconds, exit } = setUp();
  world.loaded = true;
  const waits: number[] = [];
  seconds(1);
  while (manager.state.state !== "failed") {
    exit("exit status 1");
    const fromNs = world.nowNs;
    const { starts } = world;
    for (let second = 0; second < 100 && world.starts === starts && manager.state.state === "retrying"; second++)
      seconds(1);
    if (world.starts > starts) waits.push((world.nowNs - fromNs) / S);
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 60]);
  assert.deepEqual(manager.state, { state: "failed", why: "given up after 8 attempts: exit status 1" });
  seconds(1000);
  assert.equal(world.starts, 8);
});

test("who ran for five minutes begins a new count of failures", () => {
  const { world, manager, seconds, exit, say } = setUp();
  world.loaded = true;
  seconds(1);
  for (let round = 0; round < 20; round++) {
    say(hello);
    seconds(300);
    exit("SIGSEGV");
    assert.equal(manager.state.state, "retrying");
    seconds(1);
  }
  assert.equal(world.starts, 21);
});

test("losses of helpers before this one still count", () => {
  const { world, manager, seconds, exit, say } = setUp();
  world.loaded = true;
  seconds(1);
  say({
    type: "lost",
    losses: [
      { kind: "ringbuf", count: 3 },
      { kind: "unseen", detail: "SMB2_ECHO", count: 1 },
    ],
  });
  say({
    type: "lost",
    losses: [
      { kind: "ringbuf", count: 5 },
      { kind: "unseen", detail: "SMB2_ECHO", count: 1 },
    ],
  });
  exit("exit status 1");
  seconds(1);
  say({ type: "lost", losses: [{ kind: "ringbuf", count: 2 }] });
  assert.deepEqual(manager.losses, [
    { kind: "ringbuf", count: 7 },
    { kind: "unseen", detail: "SMB2_ECHO", count: 1 },
  ]);
});

test("stopped is stopped", async () => {
  const { world, manager, seconds } = setUp();
  world.loaded = true;
  seconds(1);
  await manager.stop();
  seconds(100);
  assert.equal(world.starts, 1);
  assert.equal(manager.state.state, "stopped");
});

test("detached it lets the module go until it is attached again; a helper that was starting counts for nothing", async () => {
  const { world, manager, seconds, say } = setUp();
  const state = (): string => manager.state.state;
  world.loaded = true;
  seconds(1);
  const detached = manager.detach();
  say(hello);
  await detached;
  assert.equal(state(), "detached");
  assert.equal(manager.probe, undefined);
  seconds(100);
  world.loaded = false;
  seconds(1);
  world.loaded = true;
  seconds(100);
  assert.deepEqual([world.starts, state()], [1, "detached"]);
  await manager.attach();
  seconds(1);
  say(hello);
  assert.deepEqual([world.starts, state()], [2, "running"]);
  await manager.attach();
  assert.equal(state(), "running");
  await manager.stop();
  await manager.detach();
  assert.equal(state(), "stopped");
});

test("while nobody needs it it lets the module go, by itself; then it starts again", async () => {
  const { world, manager, seconds, say } = setUp();
  world.loaded = true;
  seconds(1);
  say(hello);
  const { promise, resolve } = Promise.withResolvers<void>();
  world.ending = promise;
  world.unneeded = "no mount";
  seconds(2);
  assert.deepEqual(manager.state, { state: "detached", asked: false, why: "no mount" });
  assert.equal(lacksNothing(manager.state), true);
  assert.deepEqual([manager.probe, manager.attached], [undefined, true], "its helper has not ended");
  world.unneeded = undefined;
  seconds(2);
  assert.equal(world.starts, 1, "not two at a time");
  resolve();
  await promise;
  await Promise.resolve();
  assert.equal(manager.attached, false);
  seconds(1);
  say(hello);
  assert.deepEqual([world.starts, manager.state.state], [2, "running"]);
  world.unneeded = "no mount";
  seconds(1);
  world.loaded = false;
  world.unneeded = undefined;
  await promise;
  await Promise.resolve();
  seconds(1);
  assert.equal(manager.state.state, "waiting");
});

test("what nobody needs can be asked to be detached, and then only attach ends it", async () => {
  const { world, manager, seconds, say } = setUp();
  world.loaded = true;
  seconds(1);
  say(hello);
  world.unneeded = "no mount";
  seconds(1);
  await manager.detach();
  assert.equal(lacksNothing(manager.state), false, "a mount may be there");
  assert.deepEqual(manager.state, {
    state: "detached",
    asked: true,
    why: "on request; aod probes attach ends it",
  });
  world.unneeded = undefined;
  seconds(100);
  assert.equal(world.starts, 1);
  await manager.attach();
  seconds(1);
  assert.equal(world.starts, 2);
});

test("what cannot run says why, also while nobody needs it", () => {
  const { world, manager, seconds, exit } = setUp();
  world.loaded = true;
  seconds(1);
  exit("no BTF for cifs", true);
  world.unneeded = "no mount";
  seconds(10);
  assert.equal(manager.state.state, "unsupported");
});
