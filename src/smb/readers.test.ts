// The small files of the SMB client: samples of real kernels, and forms that no kernel at hand shows.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseDfsCache } from "./dfs-cache.ts";
import { parseOpenDirs } from "./open-dirs.ts";
import { listOpenFiles, parseOpenFiles } from "./open-files.ts";
import { cifsFyiWords, parseFlag, parseMountParams, parseParameter, parseSecurityFlags } from "./settings.ts";

const root = new URL("../../test/fixtures/proc/", import.meta.url);
const sample = (path: string): string => readFileSync(new URL(path, root), "utf8");
const samples = (name: string): readonly (readonly [string, string])[] => {
  const found = globSync(`**/${name}`, { cwd: root }).sort();
  assert.ok(found.length > 0, name);
  return found.map((path) => [path, sample(path)]);
};

/** Objects as parsers make them. */
const plain = { noNullPrototype: true } as const;
const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const name = fc.stringMatching(/^[A-Za-z0-9.,'()#-]{1,6}( [A-Za-z0-9.,'-]{1,6}){0,2}$/);
const id = fc.bigInt(1n, 0xffff_ffff_ffff_ffffn);
const count = fc.nat(1_000_000);
const hex = (value: number | bigint): string => `0x${value.toString(16)}`;
const uuid = "0a1b2c3d-0000-4000-8000-00112233aabb";

describe("open_files", () => {
  for (const [path, text] of samples("open_files")) {
    it(`${path} is understood to the last line`, () => {
      const { files, unknown } = listOpenFiles(text);
      assert.deepEqual(unknown, []);
      assert.equal(files.length, parseOpenFiles(text).rows.length);
      assert.ok(files.every(({ name, fileId }) => name !== "" && fileId !== undefined));
    });
  }

  it("6.12: all columns of a row", () => {
    assert.deepEqual(listOpenFiles(sample("6.12/open_files")).files[1], {
      treeId: 0x80efadf,
      sessionId: 0x8c2843dn,
      fileId: 0x20420fc1n,
      flags: 0x8000,
      references: 1,
      pid: 297,
      uid: 0,
      name: "big",
    });
  });

  const head = "# Version:1\n# Format:\n# <tree id> <ses id> <persistent fid> <flags> <count> <pid> <uid> <filename>";
  const row = fc.record(
    {
      treeId: fc.nat(0x7fff_ffff),
      sessionId: id,
      fileId: id,
      flags: count,
      references: count,
      pid: count,
      uid: count,
      name,
      lease: fc.constantFrom("RHW", "R", "NONE"),
      leaseKey: fc.constantFrom(uuid, "-"),
    },
    plain,
  );
  type Row = typeof row extends fc.Arbitrary<infer T> ? T : never;
  const printed = (one: Row, after: string): string =>
    `${hex(one.treeId)} ${hex(one.sessionId)} ${hex(one.fileId)} ${hex(one.flags)} ${one.references} ${one.pid} ${one.uid} ${one.name}${after}\n`;

  it("what is printed is read back: 6.1, and 7.2 with leases behind the name", () => {
    fc.assert(
      fc.property(fc.array(row), (rows) => {
        const old = `${head}\n${rows.map((one) => printed(one, "")).join("")}\n`;
        assert.deepEqual(listOpenFiles(old), { files: rows.map(({ lease, leaseKey, ...rest }) => rest), unknown: [] });
        const now = `${head} <lease> <lease-key>\n${rows.map((one) => printed(one, ` ${one.lease} ${one.leaseKey}`)).join("")}\n`;
        assert.deepEqual(listOpenFiles(now), { files: rows, unknown: [] });
      }),
    );
  });

  it("columns of a later kernel before the name and behind it change nothing else", () => {
    const line = (before: string, after: string): string =>
      `# <tree id> <ses id>${before ? " <new>" : ""} <persistent fid> <flags> <count> <pid> <uid> <filename> <lease>${after ? " <newer>" : ""}\n` +
      `0x1 0x2${before} 0x3 0x8000 1 7 8 a b R${after}\n`;
    assert.deepEqual(listOpenFiles(line(" 99", " zz")), listOpenFiles(line("", "")));
  });
});

describe("open_dirs", () => {
  const dir = fc.record(
    {
      treeId: fc.nat(0x7fff_ffff),
      sessionId: id,
      fileId: id,
      leaseKey: fc.constant(uuid),
      path: fc.oneof(fc.constant(""), name),
      validInfo: fc.boolean(),
      validDirents: fc.boolean(),
      dirents: fc.record({ entries: count, bytes: count }, plain),
    },
    { ...plain, requiredKeys: ["treeId", "sessionId", "fileId", "path", "validInfo", "validDirents"] },
  );
  const tree = fc.record(
    { entries: count, dirents: count, bytes: count, rows: fc.array(dir, { maxLength: 4 }) },
    plain,
  );

  it("what is printed is read back", () => {
    fc.assert(
      fc.property(fc.array(tree, { maxLength: 3 }), (trees) => {
        const text = trees.map(
          ({ entries, dirents, bytes, rows }) =>
            `Num entries: ${entries}, cached_dirents: ${dirents} entries, ${bytes} bytes\n` +
            rows
              .map(
                (one) =>
                  `${hex(one.treeId)} ${hex(one.sessionId)} ${hex(one.fileId)} ${one.leaseKey ?? "-"} ${one.path}` +
                  `${one.validInfo ? "\tvalid file info" : ""}${one.validDirents ? ", valid dirents" : ""}` +
                  `${one.dirents === undefined ? "" : `, dirents: ${one.dirents.entries} entries, ${one.dirents.bytes} bytes`}\n`,
              )
              .join(""),
        );
        const head = "# Version:1\n# Format:\n# <tree id> <sess id> <persistent fid> <lease-key> <path>\n";
        assert.deepEqual(parseOpenDirs(`${head}${text.join("")}\n`), { trees, unknown: [] });
      }),
    );
  });

  it("a row before any tree, and what nobody knows, is kept", () => {
    assert.deepEqual(parseOpenDirs("0x1 0x2 0x3 - a\nfrobs\n").unknown, ["0x1 0x2 0x3 - a", "frobs"]);
  });
});

describe("dfscache", () => {
  for (const [path, text] of samples("dfscache")) {
    it(`${path}: nothing is remembered there`, () =>
      assert.deepEqual(parseDfsCache(text), { entries: [], unknown: [] }));
  }

  it("entries of 6.1 and later and of 5.10, with their targets", () => {
    const text =
      "DFS cache\n---------\ncache entry: path=\\corp\\dfs\\a,b=c,type=link,ttl=300,etime=12,hdr_flags=0x2,ref_flags=0x4,interlink=no,path_consumed=11,expired=yes\n" +
      "  \\fs1\\a b\n  \\fs2\\a (target hint)\ncache entry: path=\\corp\\dfs,type=root,ttl=600,etime=0,interlink=yes,path_consumed=9,expired=no\n  \\dc1\\dfs (target hint)\nfrobs\n";
    const { entries, unknown } = parseDfsCache(text);
    assert.deepEqual(unknown, ["frobs"]);
    assert.deepEqual(entries, [
      {
        path: "\\corp\\dfs\\a,b=c",
        type: "link",
        ttlSeconds: 300,
        expired: true,
        interlink: false,
        pathConsumed: 11,
        headerFlags: 2,
        referralFlags: 4,
        targets: [
          { name: "\\fs1\\a b", hint: false },
          { name: "\\fs2\\a", hint: true },
        ],
      },
      {
        path: "\\corp\\dfs",
        type: "root",
        ttlSeconds: 600,
        expired: false,
        interlink: true,
        pathConsumed: 9,
        targets: [{ name: "\\dc1\\dfs", hint: true }],
      },
    ]);
  });
});

describe("settings", () => {
  for (const [path, text] of samples("mount_params")) {
    it(`${path} is understood to the last line`, () => {
      const { types, unknown } = parseMountParams(text);
      assert.deepEqual(unknown, []);
      assert.deepEqual([types.get("seal"), types.get("soft"), types.get("rsize")], [["flag"], ["noflag"], ["u32"]]);
    });
  }

  it("options that nobody knows the type of are kept", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(word, fc.constantFrom("flag", "u32", "string"))), (all) => {
        const text = all.map(([option, type]) => `${option}:${type}\n`).join("");
        const { types, unknown } = parseMountParams(`${text}new:frob\n`);
        assert.deepEqual(unknown, ["new:frob"]);
        assert.ok(all.every(([option, type]) => types.get(option)?.includes(type as "flag")));
      }),
    );
  });

  for (const [path, text] of samples("SecurityFlags")) {
    it(`${path}: the defaults`, () =>
      assert.deepEqual(parseSecurityFlags(text), {
        value: 0xc5,
        may: ["signing", "NTLMv2", "encryption", "NTLMSSP"],
        must: [],
        rest: 0,
      }));
  }

  it("flags that must be, and bits without a name", () => {
    assert.deepEqual(parseSecurityFlags("0x40001001\n")?.must, ["signing"]);
    assert.equal(parseSecurityFlags("0x40001001\n")?.rest, 0x4000_0000);
    assert.equal(parseSecurityFlags("many"), undefined);
  });

  it("cifsFYI, and parameters of the module", () => {
    for (const [, text] of samples("cifsFYI")) assert.equal(parseFlag(text), 0);
    assert.deepEqual([parseFlag("7\n"), parseFlag("y\n")], [7, undefined]);
    assert.deepEqual(cifsFyiWords(7), ["information", "return codes", "slow responses"]);
    for (const [path, text] of samples("modparams")) {
      const values = new Map(text.split("\n").map((line) => line.split("=", 2) as [string, string]));
      assert.equal(parseParameter(values.get("enable_oplocks") ?? ""), true, path);
      assert.equal(parseParameter(`${values.get("CIFSMaxBufSize")}\n`), 16_384, path);
    }
    assert.equal(parseParameter("some text\n"), "some text");
  });
});

describe("any text", () => {
  it("throws nothing", () => {
    const lines = ["open_files", "dfscache", "mount_params"].flatMap((file) => sample(`6.12/${file}`).split("\n"));
    const line = fc.oneof(fc.string(), fc.constantFrom(...lines));
    fc.assert(
      fc.property(fc.array(line), (all) => {
        const text = all.join("\n");
        for (const parse of [
          listOpenFiles,
          parseOpenDirs,
          parseDfsCache,
          parseMountParams,
          parseSecurityFlags,
          parseFlag,
        ])
          parse(text);
      }),
    );
  });
});
