import assert from "node:assert/strict";
import { test } from "node:test";
import { groupSize, groupsOf, machineFor } from "./matrix.ts";
import { defaultMachine } from "./qemu.ts";
import { defineScenario } from "./scenario.ts";

const scenario = (name: string, preempt?: "full", init?: "systemd") =>
  defineScenario({
    name,
    summary: name,
    ...(preempt === undefined ? {} : { preempt }),
    ...(init === undefined ? {} : { init }),
    setup: () => Promise.resolve(),
    timeline: () => Promise.resolve(),
    expect: () => {},
  });

test("scenarios share a boot with those of their preemption model and PID 1, so many at the most", () => {
  const many = Array.from({ length: groupSize + 1 }, (_, n) => scenario(`plain-${n}`));
  const service = scenario("service", undefined, "systemd");
  const groups = groupsOf([scenario("full-1", "full"), service, ...many, scenario("full-2", "full")]);
  assert.deepEqual(
    groups.map((group) => group.map(({ name }) => name)),
    [["full-1", "full-2"], ["service"], many.slice(0, groupSize).map(({ name }) => name), [`plain-${groupSize}`]],
  );
});

test("a scenario that cannot share a boot has one to itself", () => {
  const groups = groupsOf([scenario("one"), { ...scenario("alone"), alone: "why" }, scenario("two")]);
  assert.deepEqual(
    groups.map((group) => group.map(({ name }) => name)),
    [["one", "two"], ["alone"]],
  );
});

test("a machine gets the preemption model of its scenarios, unless it was asked for another, and their PID 1", () => {
  assert.equal(machineFor([scenario("one", undefined, "systemd")], defaultMachine).init, "systemd");
  assert.equal(machineFor([scenario("one")], defaultMachine).init, undefined);
  assert.equal(machineFor([scenario("one", "full")], defaultMachine).preempt, "full");
  assert.equal(machineFor([scenario("one")], defaultMachine).preempt, undefined);
  assert.equal(machineFor([scenario("one", "full")], { ...defaultMachine, preempt: "none" }).preempt, "none");
});
