import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseStats } from "./stats.ts";

/** Objects as parsers make them. */
const plain = { noNullPrototype: true } as const;
const count = fc.nat(1_000_000);
const countsOfSmb2 =
  "TreeConnects TreeDisconnects Creates Closes Flushes Reads Writes Locks IOCTLs QueryDirectories".split(" ");

/** What a kernel would have in memory. */
const share = fc.record(
  {
    name: fc.stringMatching(/^\\\\[a-z0-9.]{1,12}\\[a-z][a-z0-9 ]{0,6}[a-z$]$/),
    disconnected: fc.boolean(),
    smbs: count,
    read: count,
    written: count,
    open: fc.tuple(count, count),
    counts: fc.array(fc.tuple(count, count), { minLength: 10, maxLength: 10 }),
  },
  plain,
);
const connection = fc.record(
  {
    most: count,
    commands: fc.array(fc.tuple(count, count, count, count), { minLength: 19, maxLength: 19 }),
    slow: fc.dictionary(fc.constantFrom("0", "5", "16"), fc.integer({ min: 1, max: 99 })),
    shares: fc.array(share, { maxLength: 3 }),
  },
  plain,
);
type Connection = typeof connection extends fc.Arbitrary<infer T> ? T : never;

/** Of a kernel with CIFS_STATS2 or without, and with the begin of the counters or without. */
function print(connections: readonly Connection[], stats2: boolean, since: boolean): string {
  let index = 0;
  const all = connections.map(({ most, commands, slow, shares }) => {
    const rows = commands.map(
      (numbers, code) => `  ${code}\t\t${numbers[0]}\t${numbers[1]}\t\t${numbers[2]}\t${numbers[3]}\n`,
    );
    const table =
      "\nTotal time spent processing by command. Time units are jiffies (250 per second)\n  SMB3 CMD\tNumber\tTotal Time\tFastest\tSlowest\n" +
      `  --------\t------\t----------\t-------\t-------\n${rows.join("")}` +
      Object.entries(slow)
        .map(([code, number]) => `  ${number} slow responses from files for command ${code}\n`)
        .join("");
    const own = shares.map((one) => {
      index++;
      return (
        `\n${index}) ${one.name}${one.disconnected ? "\tDISCONNECTED " : ""}\nSMBs: ${one.smbs}${since ? " since 2026-11-22 12:37:11 UTC" : ""}` +
        `\nBytes read: ${one.read}  Bytes written: ${one.written}\nOpen files: ${one.open[0]} total (local), ${one.open[1]} open on server` +
        one.counts.map(([total, failed], n) => `\n${countsOfSmb2[n]}: ${total} total ${failed} failed`).join("") +
        "\nOplockBreaks: 0 sent 0 failed"
      );
    });
    return `\nMax requests in flight: ${most}${stats2 ? table : ""}${own.join("")}`;
  });
  return (
    "Resources in use\nCIFS Session: 1\nShare (unique mount targets): 2\nSMB Request/Response Buffer: 1 Pool size: 5\n" +
    `SMB Small Req/Resp Buffer: 1 Pool size: 30\n${stats2 ? "Total Large 1 Small 2 Allocations\n" : ""}Operations (MIDs): 0\n\n` +
    `3 session 4 share reconnects\nTotal vfs operations: 25 maximum at one time: 3\n${all.join("")}\n`
  );
}

describe("Stats of every form", () => {
  for (const stats2 of [true, false]) {
    for (const since of [true, false]) {
      it(`${stats2 ? "with" : "without"} STATS2, ${since ? "with" : "without"} the begin: what is printed is read back`, () => {
        fc.assert(
          fc.property(fc.array(connection, { maxLength: 3 }), (connections) => {
            const read = parseStats(print(connections, stats2, since));
            assert.deepEqual(read.unknown, []);
            assert.deepEqual([read.sessionReconnects, read.shareReconnects, read.vfsOperations], [3, 4, 25]);
            const back = read.connections.map((one) => ({
              most: one.maxInFlight,
              commands: one.commands.map(({ number, total, fastest, slowest }) => [number, total, fastest, slowest]),
              slow: Object.fromEntries([...one.slow].map(([code, number]) => [String(code), number])),
              shares: read.shares.slice(one.firstShare, one.firstShare + one.shareCount).map((own) => ({
                name: own.name,
                disconnected: own.disconnected,
                smbs: own.smbs,
                read: own.bytesRead,
                written: own.bytesWritten,
                open: [own.openFiles, own.openOnServer],
                counts: countsOfSmb2.map((name) => [own.counts.get(name)?.total, own.counts.get(name)?.failed]),
              })),
            }));
            const told = connections.map((one) => ({
              ...one,
              slow: stats2 ? { ...one.slow } : {},
              commands: stats2 ? one.commands : [],
            }));
            assert.deepEqual(back, told);
            for (const own of read.shares) assert.equal(own.since, since ? "2026-11-22 12:37:11" : undefined);
          }),
          { numRuns: 40 },
        );
      });
    }
  }

  it("SMB1 counts in words of its own, and tells no failures", () => {
    const text =
      "Resources in use\n0 session 0 share reconnects\n\nMax requests in flight: 2\n1) \\\\old\\data\nSMBs: 12 Oplocks breaks: 1\nReads:  3 Bytes: 4096\n" +
      "Writes: 2 Bytes: 100\nFlushes: 1\nLocks: 0 HardLinks: 7 Symlinks: 0\nOpens: 4 Closes: 3 Deletes: 1\nPosix Opens: 5 Posix Mkdirs: 0\n" +
      "Mkdirs: 0 Rmdirs: 0\nRenames: 0 T2 Renames 6\nFindFirst: 1 FNext 2 FClose 0\n";
    const { shares, unknown } = parseStats(text);
    assert.deepEqual(unknown, []);
    const [share] = shares;
    assert.deepEqual([share?.smb1, share?.smbs, share?.bytesRead, share?.bytesWritten], [true, 12, 4096, 100]);
    for (const [name, total] of [
      ["Reads", 3],
      ["HardLinks", 7],
      ["Posix Opens", 5],
      ["T2 Renames", 6],
      ["FNext", 2],
      ["OplockBreaks", 1],
    ] as const)
      assert.deepEqual(share?.counts.get(name), { total }, name);
  });

  it("a line that a later kernel adds is kept, and what follows it is read", () => {
    const text =
      "Resources in use\nFrobs: 3 of 4\n1) \\\\a\\b\nSMBs: 1\nFrobnications: 3\nBytes read: 5  Bytes written: 6\n";
    const { shares, unknown } = parseStats(text);
    assert.deepEqual(unknown, ["Frobs: 3 of 4", "Frobnications: 3"]);
    assert.deepEqual([shares[0]?.smbs, shares[0]?.bytesRead], [1, 5]);
  });
});
