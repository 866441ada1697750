import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { withDir } from "../system/fixture.ts";
import { exportPseudonymised } from "./export.ts";
import { fixedClock, metaOf } from "./fixture.ts";
import { collectWords, pseudonymise, wordPattern } from "./pseudonymise.ts";
import { loadPseudonyms, Pseudonyms, savePseudonyms } from "./pseudonyms.ts";
import { readItem, readManifest, verifyBundle } from "./reader.ts";
import { scanArchive } from "./unpack.ts";
import { createBundle } from "./writer.ts";

function replaced(text: string): string {
  const pseudonyms = new Pseudonyms();
  collectWords(text, pseudonyms);
  return pseudonymise(text, pseudonyms, wordPattern(pseudonyms));
}

const texts = {
  "mounts.txt":
    "//files01.corp.example/Projects /mnt/projects cifs rw,vers=3.1.1,username=jdoe,domain=CORP,addr=10.20.30.40,soft 0 0\n" +
    "nfs7.corp.example:/export/homes/jdoe /home/jdoe nfs4 rw,vers=4.2,addr=fd00:12::7 0 0\n" +
    "//files01.corp.example/Projects /mnt/my\\040plans cifs rw 0 0\n",
  "ops.ndjson":
    '{"server":"files01.corp.example","share":"\\\\\\\\files01.corp.example\\\\Projects","path":"/mnt/projects/merger plan.docx","comm":"dd"}\n',
  "log.txt": "CIFS: VFS: \\\\files01 has not responded in 180 seconds. Reconnecting...\n",
  "sockets.txt": "ESTAB 0 0 192.168.1.5:50122 10.20.30.40:445\n0 0 [fd00::5]:900 [fd00:12::7]:2049\n",
  "tickets.txt": "/tmp/krb5cc_1000 jdoe@CORP.EXAMPLE 00:11:22:33:44:55\n",
};
const secrets =
  "files01 corp.example CORP.EXAMPLE Projects projects jdoe 10.20.30.40 fd00:12::7 fd00::5 192.168.1.5 merger plan homes krb5cc_1000 00:11:22 nfs7";

describe("pseudonyms", () => {
  it("stand for users, hosts, addresses and paths, the same for the same in every text", () =>
    withDir(async (state) => {
      const meta = metaOf("one", {
        target: { server: "files01.corp.example", share: "\\\\files01.corp.example\\Projects" },
      });
      const writer = await createBundle(state, meta, { clock: fixedClock, minFreeBytes: 0 });
      for (const [name, text] of Object.entries(texts)) await writer.addFile(name, text);
      await writer.addFile("packets.pcap", Buffer.from([0, 1, 2]), { binary: true });
      await writer.addMissing("open/x", "cat /mnt/projects/x", "failed", "no answer from files01");
      const { path } = await writer.finish(meta);

      const map = join(state, "pseudonyms.json");
      const pseudonyms = loadPseudonyms(map);
      const to = join(state, "out.tar.zst");
      const { leftOut } = await exportPseudonymised(path, to, pseudonyms);
      savePseudonyms(map, pseudonyms);
      assert.deepEqual(leftOut, ["packets.pcap"]);
      assert.equal((await verifyBundle(to)).ok, true);
      const all: string[] = [];
      await scanArchive(to, async ({ content }) => {
        for await (const piece of content) all.push(piece.toString());
        return undefined;
      });
      for (const secret of secrets.split(" ")) assert.ok(!all.join("").includes(secret), `${secret}\n${all.join("")}`);

      const manifest = await readManifest(to);
      const server = manifest.target.server ?? "";
      assert.match(server, /^host-\d+$/);
      assert.deepEqual([manifest.id, manifest.versions], ["one", meta.versions]);
      assert.ok((await readItem(to, "mounts.txt")).toString().startsWith(`//${server}/name-`));
      const op = JSON.parse((await readItem(to, "ops.ndjson")).toString());
      assert.deepEqual([op.server, op.comm, op.share.startsWith(`\\\\${server}\\name-`)], [server, "dd", true]);
      const address = /addr=(address-\d+)/.exec((await readItem(to, "mounts.txt")).toString())?.[1] ?? "";
      assert.ok((await readItem(to, "sockets.txt")).toString().includes(`${address}:445`));

      assert.equal(statSync(map).mode & 0o777, 0o600);
      const again = join(state, "again.tar.zst");
      await exportPseudonymised(path, again, loadPseudonyms(map));
      assert.deepEqual(readFileSync(again), readFileSync(to), "the same bundle with the same map");
    }));

  it("are in every item that is left, and in what is no text nothing can be: it is left out and listed", () =>
    withDir(async (state) => {
      const planted = ["jdoe", "files01", "nas7", "corp.example", "10.20.30.40", "merger", "projects", "fd00:12::7"];
      const hidden = ["0a141e28", "281e140a", "fd000012000000000000000000000007"];
      const sentence = `user=${planted[0]} on nas7:/export/projects/merger.ods of 10.20.30.40 files01.corp.example`;
      const items: Readonly<Record<string, string>> = {
        ...texts,
        "open/nfs-servers":
          "NV SERVER   PORT USE HOSTNAME\nv4 0a141e28  801   1 nas7\nv4 fd000012000000000000000000000007  801   1 nas7\n",
        "open/tcp": "0: 0501A8C0:01BD 281E140A:01BD 01\n",
        "server-side.txt": "192.168.1.5 port 788 -> 10.20.30.40 port 2049  ESTABLISHED\n",
        "nfs.ndjson":
          '{"server":"nas7","address":"10.20.30.40","share":"nas7:/export/projects","file":"merger plan.ods"}\n',
      };
      const binary: Readonly<Record<string, Buffer>> = {
        "packets.pcap": Buffer.concat([Buffer.from([0xd4, 0xc3, 0xb2, 0xa1, 0]), Buffer.from(sentence, "utf16le")]),
        "events.dat": Buffer.from(sentence),
        "captured.bin.unknown": Buffer.concat([Buffer.from(sentence), Buffer.from([0, 0xff])]),
      };
      const meta = metaOf("two", { target: { server: "nas7", share: "nas7:/export/projects" } });
      const writer = await createBundle(state, meta, { clock: fixedClock, minFreeBytes: 0 });
      for (const [name, text] of Object.entries(items)) await writer.addFile(name, text);
      for (const [name, bytes] of Object.entries(binary)) await writer.addFile(name, bytes, { binary: true });
      writer.note(`the mount of ${sentence} hangs`);
      const { path } = await writer.finish(meta);

      const to = join(state, "out.tar.zst");
      const { leftOut } = await exportPseudonymised(path, to, new Pseudonyms());
      assert.deepEqual(leftOut.toSorted(), Object.keys(binary).toSorted());
      const manifest = await readManifest(to);
      for (const name of leftOut) {
        const item = manifest.items.find((one) => one.name === name);
        assert.deepEqual([item?.status, item?.size], ["skipped", undefined], name);
        assert.match(item?.reason ?? "", /^binary: .* left out with --pseudonymise$/);
      }
      assert.match(manifest.notes.at(-1) ?? "", /^Pseudonymised: .*3 binary items left out/);

      const all: Buffer[] = [];
      await scanArchive(to, async ({ name, content }) => {
        all.push(Buffer.from(name));
        for await (const piece of content) all.push(Buffer.from(piece));
        return undefined;
      });
      const bytes = Buffer.concat(all);
      for (const word of [...planted, ...hidden]) {
        for (const encoding of ["latin1", "utf16le"] as const) {
          const found = bytes.toString("latin1").toLowerCase().includes(Buffer.from(word, encoding).toString("latin1"));
          assert.ok(!found, `${word} (${encoding}) in\n${bytes}`);
        }
      }
    }));

  it("leave alone what names nobody", () => {
    for (const text of [
      "/proc/fs/cifs/DebugData /etc/krb5.conf 127.0.0.1 ::1 6.12.0-1-amd64",
      '{"time":"2026-11-22T13:05:11.123456Z","latency_us":30412,"command":"SMB2_WRITE","mid":"41"}',
      "\\\\localhost\\IPC$ 0.0.0.0:* at 13:05:11",
      "In Send: 0 In MaxReq Wait: 0\n\tSecurity type: RawNTLMSSP  SessionId: 0x65",
    ])
      assert.equal(replaced(text), text);
  });

  it("change nothing that they have changed", () => {
    const once = replaced(Object.values(texts).join(""));
    const pseudonyms = new Pseudonyms();
    assert.equal(pseudonymise(once, pseudonyms, wordPattern(pseudonyms)), once);
  });

  it("let no user, host, address or mount point of a mount table through", () => {
    const word = fc.stringMatching(/^[b-df-hj-np-tv-z]{5,10}$/);
    const ip = fc.tuple(fc.integer({ min: 11, max: 223 }), fc.nat(255), fc.nat(255)).map((n) => `${n.join(".")}.7`);
    fc.assert(
      fc.property(
        word,
        word,
        word,
        word,
        ip.filter((one) => !one.startsWith("127.")),
        (host, share, user, point, address) => {
          const line = `//${host}.example/${share} /mnt/${point} cifs rw,username=${user},addr=${address} 0 0\n${user} ${host} x\n`;
          const clean = replaced(line);
          for (const secret of [host, share, user, point, address]) assert.ok(!clean.includes(secret), clean);
        },
      ),
    );
  });

  it("refuse a map that is damaged", () =>
    withDir(async (directory) => {
      const { writeFile } = await import("node:fs/promises");
      const map = join(directory, "map.json");
      for (const text of ["{", '{"a": 1}', "null"]) {
        await writeFile(map, text);
        assert.throws(() => loadPseudonyms(map), /move it away/);
      }
    }));
});
