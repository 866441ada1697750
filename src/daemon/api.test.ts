import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { AodError } from "../system/error.ts";
import { type Action, type Api, type Route, startApi } from "./api.ts";
import { askDaemon, NotRunning, tellDaemon } from "./api-client.ts";

async function serve(
  t: TestContext,
  routes: Readonly<Record<string, Route>>,
  actions: Readonly<Record<string, Action>> = {},
): Promise<Api & { readonly runDir: string }> {
  const runDir = directory(t);
  const api = await startApi(runDir, routes, actions);
  t.after(() => api.close());
  return { ...api, runDir };
}

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "aod-api-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function statusOf(socketPath: string, method: string, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, method }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on("error", reject).end();
  });
}

test("a route answers with JSON, and gets what follows its name", async (t) => {
  const { runDir } = await serve(t, { status: () => ({ pid: 7 }), incidents: (rest) => ({ rest }) });
  assert.deepEqual(await askDaemon(runDir, "/status"), { pid: 7 });
  assert.deepEqual(await askDaemon(runDir, "/incidents/a%2Fb"), { rest: "a/b" });
  assert.deepEqual(await askDaemon(runDir, "/incidents"), { rest: "" });
});

test("what is not there is undefined, what fails says why", async (t) => {
  const failing = (): never => {
    throw new Error("the disk is gone");
  };
  const { runDir } = await serve(t, { incidents: () => undefined, status: failing });
  assert.equal(await askDaemon(runDir, "/incidents/1"), undefined);
  assert.equal(await askDaemon(runDir, "/toString"), undefined);
  await assert.rejects(askDaemon(runDir, "/status"), {
    message: 'the daemon answered 500: {"error":"the disk is gone"}',
  });
});

test("what is read cannot be written", async (t) => {
  const { path } = await serve(t, { status: () => ({}) });
  assert.equal(await statusOf(path, "POST", "/status"), 405);
  for (const method of ["PUT", "DELETE"]) assert.equal(await statusOf(path, method, "/status"), 405);
});

test("the socket is for owner and group, and takes the place of one that was left", async (t) => {
  const runDir = directory(t);
  writeFileSync(join(runDir, "aod.sock"), "");
  const api = await startApi(runDir, {});
  t.after(() => api.close());
  assert.equal(statSync(api.path).mode & 0o777, 0o660);
});

test("without a daemon the error says so and what to do", async (t) => {
  const runDir = directory(t);
  await assert.rejects(askDaemon(runDir, "/status"), (error) => {
    assert.ok(error instanceof NotRunning);
    assert.equal(error.exitStatus, 1);
    assert.match(error.message, /^aod is not running: nobody answers at .*\/aod\.sock\. Start it with: aod run$/);
    return true;
  });
});

test("a POST does one of a few things, and is told why not", async (t) => {
  const actions = {
    echo: (body: unknown) => ({ body }),
    busy: () => {
      throw new AodError("failed", "two are being taken");
    },
    wrong: () => {
      throw new AodError("usage", "expected a number");
    },
  };
  const { runDir, path } = await serve(t, {}, actions);
  assert.deepEqual(await tellDaemon(runDir, "/echo", { a: 1 }), { body: { a: 1 } });
  await assert.rejects(tellDaemon(runDir, "/busy", {}), { message: "two are being taken", exitStatus: 1 });
  await assert.rejects(tellDaemon(runDir, "/wrong", {}), { message: "expected a number", exitStatus: 2 });
  await assert.rejects(tellDaemon(runDir, "/echo", "x".repeat(20_000)), { exitStatus: 2 });
  await assert.rejects(tellDaemon(runDir, "/toString", {}), /there is no/);
  assert.equal(await statusOf(path, "POST", "/echo"), 400);
});
