import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { ReadStream } from "node:tty";
import { askPassword, passwordOfEnvironment } from "./password.ts";

test("PASSWD, PASSWD_FILE: as mount.cifs takes them; what cannot be read is said without what is in it", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "aod-password-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "secret");
  writeFileSync(file, "two words\n");
  assert.equal(passwordOfEnvironment({}), undefined);
  assert.equal(passwordOfEnvironment({ PASSWD: "", PASSWD_FILE: file })?.reveal(), "");
  assert.equal(passwordOfEnvironment({ PASSWD_FILE: file })?.reveal(), "two words");
  assert.throws(() => passwordOfEnvironment({ PASSWD_FILE: join(folder, "none") }), { code: "failed" });
  assert.throws(() => passwordOfEnvironment({ PASSWD_FD: "x" }), { code: "usage" });
});

class FakeTerminal extends EventEmitter {
  readonly raw: boolean[] = [];
  setRawMode(on: boolean): this {
    this.raw.push(on);
    return this;
  }
  resume(): this {
    return this;
  }
  pause(): this {
    return this;
  }
}

const asked = async (keys: string, signal = new AbortController().signal) => {
  const terminal = new FakeTerminal();
  let shown = "";
  const answer = askPassword(
    "Password: ",
    terminal as unknown as ReadStream,
    (text) => {
      shown += text;
    },
    signal,
  );
  terminal.emit("data", Buffer.from(keys));
  const secret = await answer;
  assert.deepEqual(terminal.raw, [true, false], "the terminal is as it was");
  return { shown, typed: secret?.reveal() };
};

test("what is typed shows nowhere; Backspace takes back, Ctrl-C and Ctrl-D end", async () => {
  assert.deepEqual(await asked("hunterx\u007f2\r"), { shown: "Password: \n", typed: "hunter2" });
  assert.deepEqual(await asked("hun\u0003"), { shown: "Password: \n", typed: undefined });
  assert.deepEqual(await asked("\u0004"), { shown: "Password: \n", typed: undefined });
});
