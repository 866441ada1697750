import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { intervalReport, sinceReports } from "./compare.ts";
import { histogramDelta, parseHistograms, quantileMs } from "./histograms.ts";
import { jsonLines } from "./json.ts";
import { type Reading, readingOf } from "./reading.ts";
import { replayReadings } from "./recording.ts";
import type { Report, TargetReport } from "./report.ts";
import { smbConnections } from "./smb-connections.ts";

const fixtures = new URL("../../test/fixtures/", import.meta.url);
const sample = (path: string): string => readFileSync(new URL(`proc/${path}`, fixtures), "utf8");
const reading = (
  seconds: number,
  files: { Stats?: string; DebugData?: string; mountstats?: string; metrics?: string },
): Reading => readingOf({ wall_ms: 1_795_351_052_000 + seconds * 1000, ns: seconds * 1e9, ...files });

function target(report: Report | undefined, name: string): TargetReport {
  return report?.targets.find((one) => one.target.endsWith(name)) ?? assert.fail(name);
}

const healthy = (seconds: number): Reading =>
  reading(seconds, { Stats: sample("6.12/Stats"), DebugData: sample("6.12/DebugData") });
const worked = (seconds: number): Reading =>
  reading(seconds, { Stats: sample("6.12/Stats2"), DebugData: sample("6.12/DebugData2") });

describe("shares", () => {
  it("the difference of two readings: what sysstat's cifsiostat shows as zeros", () => {
    const share = target(intervalReport(worked(28), healthy(0)), "\\share");
    assert.deepEqual(
      [
        share.requests,
        share.reads,
        share.writes,
        share.bytes_read,
        share.bytes_written,
        share.errors,
        share.reconnects,
      ],
      [367, 3, 23, 8_388_608, 8_388_650, 0, 0],
    );
    assert.deepEqual([share.credits, share.in_flight, share.connection_id], [5054, 0, "0x1"]);
    // READ: 7 requests of 184 jiffies, of which 2 of 32 were there before; 250 jiffies are a second. The slowest took 83.
    const read = share.commands.find(({ command }) => command === "SMB2_READ");
    assert.deepEqual(read, {
      command: "SMB2_READ",
      count: 3,
      errors: 0,
      mean_ms: ((184 - 32) / 5) * 4,
      worst_ms: 83 * 4,
      times_of: "connection",
    });
  });

  it("since the counters began: the kernel says when, and nobody has to guess", () => {
    const [report] = sinceReports(healthy(0));
    assert.equal(report?.seconds, 21);
    assert.equal(target(report, "\\share").requests, 43);
    const before612 = sinceReports(reading(0, { Stats: sample("6.1/Stats"), DebugData: sample("6.1/DebugData") }));
    assert.deepEqual(
      before612.map(({ seconds }) => seconds),
      [undefined],
    );
    assert.doesNotMatch(jsonLines(before612[0] ?? assert.fail()), /per_s/);
  });

  it("counters that go back are said, and no number is negative", () => {
    const report = intervalReport(healthy(28), worked(0));
    assert.equal(target(report, "\\share").restarted, true);
    assert.match(report.notes.join("\n"), /\\share: its counters have gone back/);
    assert.doesNotMatch(jsonLines(report), /:-\d|"reads"/);
  });

  it("a share whose counters began within the interval is counted from there, which is said", () => {
    const cleared = sample("6.12/Stats").replaceAll("12:37:11", "12:37:30");
    const report = intervalReport(reading(28, { Stats: cleared, DebugData: sample("6.12/DebugData") }), worked(0));
    assert.equal(target(report, "\\share").requests, 43);
    assert.match(report.notes.join("\n"), /\\share: counted from its begin within this interval/);
  });

  it("a share that is unmounted is said to be", () => {
    const [before = "", , rest = ""] = sample("6.12/Stats").split(/(?=1\) \\\\127)/);
    const report = intervalReport(reading(9, { Stats: before + rest }), healthy(0));
    assert.match(report.notes.join("\n"), /not mounted any more/);
  });

  it("channels belong to the connection of their session", () => {
    const { stats, debugData } = reading(0, {
      Stats: sample("6.12/Stats_reconn"),
      DebugData: sample("6.12/DebugData_reconn"),
    });
    const [connection, ...others] = smbConnections(stats ?? assert.fail(), debugData);
    assert.deepEqual(others, []);
    assert.deepEqual([connection?.key, [...(connection?.counted.keys() ?? [])]], ["0x1", ["0x1", "0x4"]]);
    assert.equal(connection?.shares.length, 2);
  });

  it("two servers, newest first, are told apart; without DebugData they are numbered from the oldest", () => {
    const Stats = sample("6.12/hang/Stats_hung");
    const both = smbConnections(
      readingOf({ wall_ms: 0, ns: 0, Stats }).stats ?? assert.fail(),
      reading(0, { DebugData: sample("6.12/hang/DebugData_hung") }).debugData,
    );
    const names = (list: typeof both) => list.map(({ key, shares }) => [key, shares.map(({ name }) => name)]);
    assert.deepEqual(names(both).sort(), [
      ["0x1", ["\\\\127.0.0.1\\enc"]],
      ["0x2", ["\\\\127.0.0.1\\share"]],
    ]);
    const alone = smbConnections(readingOf({ wall_ms: 0, ns: 0, Stats }).stats ?? assert.fail(), undefined);
    assert.deepEqual(names(alone), [
      ["#2", ["\\\\127.0.0.1\\share"]],
      ["#1", ["\\\\127.0.0.1\\enc"]],
    ]);
  });

  it("a kernel without times of commands says so", () => {
    const Stats = sample("6.1/Stats").replace(/Total time spent[\s\S]*?\n\n/, "\n");
    const report = intervalReport(reading(5, { Stats }), reading(0, { Stats }));
    assert.match(report.notes.join("\n"), /CONFIG_CIFS_STATS2/);
    assert.equal(target(report, "\\share").read_ms, undefined);
  });
});

describe("the daemon's histograms", () => {
  const metrics = (at1: number, at2: number, all: number, sum: number): string =>
    ["0.001", "0.002", "+Inf"]
      .map(
        (le, n) =>
          `aod_smb_request_duration_seconds_bucket{server="127.0.0.1",share="\\\\\\\\127.0.0.1\\\\share",command="SMB2_READ",le="${le}"} ${[at1, at2, all][n]}\n`,
      )
      .join("") +
    `aod_smb_request_duration_seconds_sum{server="127.0.0.1",share="\\\\\\\\127.0.0.1\\\\share",command="SMB2_READ"} ${sum}\n` +
    `aod_smb_request_duration_seconds_count{server="127.0.0.1",share="\\\\\\\\127.0.0.1\\\\share",command="SMB2_READ"} ${all}\n`;

  it("give p50 and p99 of the share alone, of the interval alone", () => {
    const before = { ...healthy(0), histograms: parseHistograms(metrics(10, 10, 10, 0.005)) };
    const now = { ...worked(28), histograms: parseHistograms(metrics(10, 13, 13, 0.0095)) };
    const read = target(intervalReport(now, before), "\\share").commands.find(({ command }) => command === "SMB2_READ");
    assert.equal(read?.times_of, "share");
    assert.equal(Math.round((read.mean_ms ?? 0) * 1000), 1500);
    for (const ms of [read.p50_ms, read.p99_ms]) assert.ok(ms !== undefined && ms > 1 && ms <= 2, `${ms}`);
  });

  it("of another daemon, which began anew, nothing is taken", () => {
    const [now] = parseHistograms(metrics(1, 1, 1, 0.1)).values();
    const [before] = parseHistograms(metrics(5, 5, 5, 0.2)).values();
    assert.equal(histogramDelta(now ?? assert.fail(), before), undefined);
  });

  it("a quantile lies in the bucket of its rank, and grows with it", () => {
    const bounds = [0.001, 0.002, 0.004, 0.008];
    fc.assert(
      fc.property(
        fc.array(fc.nat(50), { minLength: 4, maxLength: 4 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (counts, share) => {
          const upTo = counts.map((_, n) => counts.slice(0, n + 1).reduce((sum, count) => sum + count, 0));
          const count = upTo.at(-1) ?? 0;
          const histogram = {
            server: "",
            share: "",
            command: "",
            sum: 0,
            count,
            buckets: new Map(bounds.map((bound, n) => [bound, upTo[n] ?? 0])),
          };
          const ms = quantileMs(histogram, share);
          if (count === 0) return assert.equal(ms, undefined);
          const at = upTo.findIndex((below) => below >= share * count);
          assert.ok(
            ms !== undefined && ms <= (bounds[at] ?? 0) * 1000 + 1e-9 && ms >= (bounds[at - 1] ?? 0) * 1000 - 1e-9,
            `${ms}`,
          );
          assert.ok((quantileMs(histogram, 1) ?? 0) >= ms - 1e-9);
        },
      ),
    );
  });
});

describe("NFS mounts", () => {
  const mount = (reads: string, bytes: string, age: number): string =>
    `device s:/a mounted on /mnt/a with fstype nfs4 statvers=1.1\n\tage:\t${age}\n\tbytes:\t${bytes}\n\txprt:\ttcp 0 0 1 0 0 9 7 0 9 0 2 0 0\n\tper-op statistics\n\t${reads}\n`;

  it("bytes are those of files, times those of the client", () => {
    const before = reading(0, { mountstats: mount("READ: 1 1 0 100 200 1 2 4 0", "0 0 0 0 4096 0 0 0", 7) });
    const now = reading(10, { mountstats: mount("READ: 5 6 0 500 900 9 22 44 1", "0 0 0 0 69632 512 0 0", 17) });
    const report = target(intervalReport(now, before), "s:/a");
    assert.deepEqual(
      [
        report.requests,
        report.reads,
        report.bytes_read,
        report.bytes_written,
        report.errors,
        report.retransmissions,
        report.in_flight,
      ],
      [4, 4, 65_536, 512, 1, 1, 2],
    );
    assert.deepEqual(report.commands[0], {
      command: "READ",
      count: 4,
      errors: 1,
      mean_ms: 10,
      queue_ms: 2,
      rtt_ms: 5,
      times_of: "mount",
      retransmissions: 1,
    });
    assert.deepEqual(
      sinceReports(now).map(({ seconds }) => seconds),
      [17],
    );
  });

  it("mounted again meanwhile", () => {
    const before = reading(0, { mountstats: mount("READ: 5 6 0 500 900 9 22 44 1", "0 0 0 0 69632 512 0 0", 17) });
    const now = reading(10, { mountstats: mount("READ: 1 1 0 100 200 1 2 4 0", "0 0 0 0 4096 0 0 0", 3) });
    assert.equal(target(intervalReport(now, before), "s:/a").restarted, true);
  });
});

it("a recording that is none says where", (t) => {
  assert.equal(replayReadings(new URL("iostat/6.12.ndjson", fixtures).pathname).length, 3);
  t.assert.throws(
    () => replayReadings(new URL("proc/6.12/Stats", fixtures).pathname),
    /Stats:1 is no reading of smbiostat/,
  );
});
