import assert from "node:assert/strict";
import { test } from "node:test";
import { Teardown } from "./teardown.ts";

test("what was opened last goes first, and one that fails does not keep the others", async () => {
  const done: string[] = [];
  const failed: string[] = [];
  const teardown = new Teardown((message) => failed.push(message));
  teardown.add(() => {
    done.push("lock");
  });
  teardown.add(async () => {
    throw new Error("the port is gone");
  });
  teardown.add(async () => {
    await Promise.resolve();
    done.push("socket");
  });
  await teardown.run();
  await teardown.run();
  assert.deepEqual(done, ["socket", "lock"]);
  assert.deepEqual(failed, ["the port is gone"]);
});
