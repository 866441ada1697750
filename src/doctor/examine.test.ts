import assert from "node:assert/strict";
import { test } from "node:test";
import type { Finding } from "./answer.ts";
import { type Check, examine } from "./examine.ts";

const check = (name: string, run: Check<string[]>["run"], limitMs = 5000): Check<string[]> => ({ name, limitMs, run });

const examined = (checks: readonly Check<string[]>[], limitMs = 5000) =>
  examine({ subject: "//server/share", case: [], checks, wellSaid: "all is well", limitMs });

test("checks run in order, each sees what those before it learnt", async () => {
  const { steps, verdict, subject } = await examined([
    check("first", async (facts) => {
      facts.push("learnt");
      return { result: "ok", evidence: "a" };
    }),
    check("second", async (facts) => ({ result: "ok", evidence: facts.join() })),
    check("nothing to say", async () => []),
  ]);
  assert.equal(subject, "//server/share");
  assert.deepEqual(
    steps.map(({ name, result, evidence }) => ({ name, result, evidence })),
    [
      { name: "first", result: "ok", evidence: "a" },
      { name: "second", result: "ok", evidence: "learnt" },
    ],
  );
  assert.deepEqual(verdict, { cause: "ok", confidence: "certain", summary: "all is well", advice: [] });
});

test("the strongest verdict wins, of equals the first; steps do not carry it", async () => {
  const finding = (
    cause: "server.down" | "network.loss" | "network.mtu",
    confidence: "likely" | "certain",
  ): Finding => ({
    result: "fail",
    evidence: cause,
    verdict: { cause, confidence, summary: cause, advice: [] },
  });
  const { verdict, steps } = await examined([
    check("a", async () => finding("network.loss", "likely")),
    check("b", async () => finding("server.down", "certain")),
    check("c", async () => finding("network.mtu", "certain")),
  ]);
  assert.equal(verdict.cause, "server.down");
  assert.ok(steps.every((step) => !("verdict" in step)));
});

test("a failure that names no cause is unknown, with its meaning and what to do", async () => {
  const { verdict } = await examined([
    check("a", async () => ({ result: "fail", evidence: "e", meaning: "it means this", fix: "do that" })),
  ]);
  assert.deepEqual(verdict, {
    cause: "unknown",
    confidence: "possible",
    summary: "it means this",
    advice: ["do that"],
  });
});

test("a check that throws or never answers is a finding, and the next ones run", async () => {
  let aborted = false;
  const { steps } = await examined([
    check("throws", () => Promise.reject(new Error("EACCES: /proc/keys"))),
    check(
      "hangs",
      (_, signal) => {
        signal.addEventListener("abort", () => {
          aborted = true;
        });
        return new Promise(() => {});
      },
      20,
    ),
    check("runs", async () => ({ result: "ok", evidence: "here" })),
  ]);
  assert.deepEqual(
    steps.map(({ result }) => result),
    ["warn", "warn", "ok"],
  );
  assert.match(steps[0]?.evidence ?? "", /EACCES/);
  assert.match(steps[1]?.evidence ?? "", /0\.02 s/);
  assert.equal(aborted, true);
});

test("what the whole time leaves no room for is skipped", async () => {
  let time = 0;
  const { steps } = await examine({
    subject: "",
    case: [],
    checks: [
      check("long", async () => {
        time = 20;
        return { result: "ok", evidence: "" };
      }),
      check("late", async () => ({ result: "ok", evidence: "" })),
    ],
    wellSaid: "",
    limitMs: 20,
    now: () => time,
  });
  assert.deepEqual(
    steps.map(({ result }) => result),
    ["ok", "skip"],
  );
});
