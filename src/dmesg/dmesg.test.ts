import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { nfsMeanings } from "../nfs/kernel-meanings.ts";
import { nfsMessageIds } from "../nfs/kernel-messages.ts";
import { smbMeanings } from "../smb/kernel-meanings.ts";
import { smbMessageIds } from "../smb/kernel-messages.ts";
import { explain } from "./explain.ts";
import { fold } from "./fold.ts";
import { logLine } from "./lines.ts";
import { foldedJson, foldedText } from "./text.ts";

describe("meanings", () => {
  it("every message of both catalogues has one, and there is none for nothing", () => {
    const extra = ["smb.upcall-denied", "smb.other", "nfs.upcall-denied", "nfs.other"];
    assert.deepEqual(
      Object.keys({ ...smbMeanings, ...nfsMeanings }).sort(),
      [...new Set([...smbMessageIds, ...nfsMessageIds, ...extra])].sort(),
    );
    for (const [id, meaning] of Object.entries({ ...smbMeanings, ...nfsMeanings })) assert.match(meaning, /\.$/, id);
  });

  it("errno and NTSTATUS in words", () => {
    const failed = explain("CIFS: VFS: cifs_mount failed w/return code = -13");
    assert.equal(failed?.errno_text, "EACCES (13): refused: wrong user, password or rights");
    const status = explain("CIFS: Status code returned 0xc000006d STATUS_LOGON_FAILURE");
    assert.equal(
      status?.status_text,
      "STATUS_LOGON_FAILURE (0xc000006d): user name or password is wrong; programs see EACCES",
    );
    assert.match(
      explain("CIFS: Status code returned 0xc0ffee01 NT")?.status_text ?? "",
      /^0xc0ffee01; programs see EIO$/,
    );
    assert.equal(explain("usb 1-1: new device"), undefined);
  });

  for (const path of globSync("*.txt", { cwd: new URL("../../test/fixtures/kernel-log/", import.meta.url) })) {
    it(`${path}: each message of a real log is explained`, () => {
      const text = readFileSync(new URL(`../../test/fixtures/kernel-log/${path}`, import.meta.url), "utf8");
      const messages = text.split("\n").flatMap((line) => explain(logLine(line).text) ?? []);
      assert.ok(messages.length > 5);
      for (const { id, meaning } of messages) assert.ok(meaning !== "" && !id.endsWith(".other"), id);
    });
  }
});

const lost = (seconds: number): string =>
  `CIFS: VFS: \\\\files has not responded in ${seconds} seconds. Reconnecting...`;
const said = (text: string, timeUs: number) => {
  const message = explain(text);
  return message === undefined ? assert.fail(text) : { message, timeUs };
};

describe("folding", () => {
  it("what is said again, with other numbers and between others, is one", () => {
    const failed = "CIFS: VFS: \\\\files Send error in SessSetup = -13";
    const other = "CIFS: VFS: \\\\files Send error in SessSetup = -126";
    const folded = fold([
      said(lost(180), 1e6),
      said(failed, 2e6),
      said(lost(181), 3e6),
      said(failed, 4e6),
      said(other, 5e6),
    ]);
    assert.deepEqual(
      folded.map(({ message, count, fromUs, toUs }) => [message.id, message.errno, count, fromUs, toUs]),
      [
        ["smb.not-responding", undefined, 2, 1e6, 3e6],
        ["smb.session-failed", 13, 2, 2e6, 4e6],
        ["smb.session-failed", 126, 1, 5e6, 5e6],
      ],
    );
  });

  it("another server, or what the catalogue does not know, is another one", () => {
    const folded = fold([
      said(lost(6), 1),
      said(lost(6).replace("files", "other"), 2),
      said("CIFS: VFS: frobs 7 of 9", 3),
      said("CIFS: VFS: frobs 8 of 9", 4),
      said("CIFS: VFS: grobs 8", 5),
    ]);
    assert.deepEqual(
      folded.map(({ count }) => count),
      [1, 1, 2, 1],
    );
  });

  it("loses none", () => {
    const line = fc.constantFrom(
      lost(5),
      lost(9),
      "CIFS: VFS: frobs",
      "nfs: server a not responding, still trying",
      "nfs: server a OK",
      "CIFS: VFS: cifs_mount failed w/return code = -2",
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const folded = fold(lines.map((text, at) => said(text, at)));
        assert.equal(
          folded.reduce((sum, { count }) => sum + count, 0),
          lines.length,
        );
        for (const one of folded) assert.ok((one.fromUs ?? 0) <= (one.toUs ?? 0));
      }),
    );
  });
});

describe("as text and JSON", () => {
  it("times of the boot, or of the wall where that is known", () => {
    const [one] = fold([said(lost(6), 12_345_678), said(lost(7), 20_000_000)]);
    assert.match(
      foldedText(one ?? assert.fail()),
      /^\[ {3}12\.345678\] to \[ {3}20\.000000\] {2}2 times {2}trouble {2}smb\.not-responding\n {2}CIFS: VFS/,
    );
    const json = JSON.parse(foldedJson(one ?? assert.fail(), (us) => 1_795_351_052_000 + us / 1000)) as Record<
      string,
      unknown
    >;
    assert.deepEqual([json.time, json.times, json.server, json.number], ["2026-11-22T12:37:44.345Z", 2, "files", 6]);
  });

  it("lines of dmesg, journalctl and syslog", () => {
    assert.deepEqual(logLine("[   36.270841] CIFS: x"), { text: "CIFS: x", timeUs: 36_270_841 });
    assert.deepEqual(logLine("[   36.270841][ T1234] CIFS: x"), { text: "CIFS: x", timeUs: 36_270_841 });
    assert.deepEqual(logLine("Nov 22 12:38:00 host kernel: CIFS: x"), { text: "CIFS: x" });
    assert.deepEqual(logLine("Nov 22 12:38:00 host kernel: [   36.270841] CIFS: x"), {
      text: "CIFS: x",
      timeUs: 36_270_841,
    });
    assert.deepEqual(logLine("<4>CIFS: x"), { text: "CIFS: x" });
    assert.deepEqual(logLine("CIFS: x"), { text: "CIFS: x" });
  });
});
