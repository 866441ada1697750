import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { makeCcache, SESSION_KEY } from "../kerberos/fixture.ts";
import type { Run, RunResult } from "../system/process.ts";
import { fakeMachine, only, printed } from "./fixture.ts";
import { mountsSource } from "./mounts.ts";
import { ticketsSource } from "./tickets.ts";

const krb5 = "40 22 0:45 / /mnt/s rw - cifs //files.example/data rw,sec=krb5,addr=10.0.0.1\n";
const R = "R.EXAMPLE";

async function world(t: TestContext, mountinfo: string, run?: Run) {
  const machine = fakeMachine(t, run === undefined ? {} : { run });
  machine.write("proc/1/mountinfo", mountinfo);
  const mounts = mountsSource(machine.roots);
  await machine.look(mounts);
  return { machine, source: ticketsSource(machine.roots, mounts), nowS: machine.roots.clock.wallMs() / 1000 };
}

test("without Kerberos there is nothing to look for", async (t) => {
  const { machine, source } = await world(t, "40 22 0:45 / /mnt/s rw - cifs //files/data rw,sec=ntlmssp\n");
  machine.write("tmp/krb5cc_1000", makeCcache(`u@${R}`, []));
  assert.deepEqual(await machine.outcome(source), { off: "no mount uses Kerberos (sec=krb5, krb5i, krb5p)" });
});

test("caches in /tmp and /run/user are seen, with what remains of their tickets; keys are not taken out", async (t) => {
  const { machine, source, nowS } = await world(t, krb5);
  const tgt = { service: `krbtgt/${R}@${R}`, end: nowS - 60, renewUntil: nowS + 3600 };
  const cifs = { service: `cifs/files.example@${R}`, end: nowS + 600 };
  machine.write("tmp/krb5cc_1000", makeCcache(`u@${R}`, [tgt, cifs]));
  machine.write("run/user/1001/krb5cc", makeCcache(`v@${R}`, [tgt]));
  machine.write("run/user/1002/krb5cc_x/tkt1", makeCcache(`w@${R}`, [tgt]));
  machine.write("run/user/1002/bus", "");
  const observation = only(await machine.look(source), "tickets");
  assert.deepEqual(
    observation.tickets.map(({ cache, service, target, remainingNs, renewableNs }) => [
      cache,
      service,
      target?.server,
      Math.round(remainingNs / 1e9),
      renewableNs === undefined ? undefined : Math.round(renewableNs / 1e9),
    ]),
    [
      ["FILE:/tmp/krb5cc_1000", tgt.service, undefined, -60, 3600],
      ["FILE:/tmp/krb5cc_1000", cifs.service, "files.example", 600, undefined],
      ["FILE:/run/user/1001/krb5cc", tgt.service, undefined, -60, 3600],
      ["FILE:/run/user/1002/krb5cc_x/tkt1", tgt.service, undefined, -60, 3600],
    ],
  );
  assert.ok(!JSON.stringify(observation).includes(SESSION_KEY));
});

test("links, pipes and directories that somebody put there are passed over", async (t) => {
  const { machine, source, nowS } = await world(t, krb5);
  const { fsRoot } = machine.roots;
  mkdirSync(join(fsRoot, "tmp/krb5cc_dir"), { recursive: true });
  writeFileSync(join(fsRoot, "secret"), makeCcache(`u@${R}`, [{ service: `krbtgt/${R}@${R}`, end: nowS }]));
  symlinkSync(join(fsRoot, "secret"), join(fsRoot, "tmp/krb5cc_link"));
  machine.write("tmp/krb5cc_text", "no cache");
  assert.deepEqual(only(await machine.look(source), "tickets").tickets, []);
});

test("a /tmp on a network mount is not looked at, and that is said", async (t) => {
  const { machine, source } = await world(t, `${krb5}50 22 0:50 / /tmp rw - nfs4 nas:/tmp rw\n`);
  machine.write("tmp/krb5cc_1000", makeCcache(`u@${R}`, [{ service: `krbtgt/${R}@${R}`, end: 100_000 }]));
  const outcome = await machine.outcome(source);
  assert.ok("observations" in outcome);
  assert.deepEqual(only(outcome.observations, "tickets").tickets, []);
  assert.equal(outcome.degraded, "/tmp is on nfs4: it is not looked at");
});

test("keyrings are asked of klist, of users that mounts use and of those who are logged in", async (t) => {
  const asked: string[] = [];
  const { machine, source } = await world(t, krb5, async ([program, ...rest]) => {
    asked.push(rest.join(" "));
    return printed(
      program === "klist" && rest[1] === "KEYRING:persistent:1000"
        ? `Ticket cache: x\nDefault principal: u@${R}\n\n01/01/2026 00:00:00  11/22/2026 14:00:00  krbtgt/${R}@${R}\n`
        : "",
    );
  });
  machine.write("etc/krb5.conf", "[libdefaults]\n  default_ccache_name = KEYRING:persistent:%{uid}\n");
  machine.write("run/user/1000/bus", "");
  const { tickets } = only(await machine.look(source), "tickets");
  assert.deepEqual(asked, ["-c KEYRING:persistent:1000"]);
  assert.deepEqual(
    tickets.map(({ cache, uid }) => [cache, uid]),
    [["KEYRING:persistent:1000", 1000]],
  );
});

test("a cache in a keyring that the kernel has removed with its last ticket has ended; one that somebody destroyed is gone", async (t) => {
  const noCache: RunResult = { ...printed(""), status: "failed", code: 1, reason: "exit status 1" };
  let answer = noCache;
  const { machine, source, nowS } = await world(t, krb5, async () => answer);
  const klist = (inSeconds: number): RunResult => {
    const end = new Date((nowS + inSeconds) * 1000).toISOString();
    const date = `${end.slice(5, 7)}/${end.slice(8, 10)}/${end.slice(0, 4)} ${end.slice(11, 19)}`;
    return printed(`Default principal: u@${R}\n\n${date}  ${date}  krbtgt/${R}@${R}\n`);
  };
  const remaining = async (): Promise<readonly number[]> =>
    only(await machine.look(source), "tickets").tickets.map(({ remainingNs }) => Math.round(remainingNs / 1e9));
  machine.write("etc/krb5.conf", "[libdefaults]\n default_ccache_name = KEYRING:persistent:%{uid}\n");
  machine.write("run/user/1000/bus", "");
  answer = klist(120);
  assert.deepEqual(await remaining(), [120]);
  answer = noCache;
  machine.seconds(150);
  machine.write("run/user/1000/bus", undefined);
  assert.deepEqual(await remaining(), [-30]);
  machine.seconds(60);
  assert.deepEqual(await remaining(), [-90]);
  answer = { ...noCache, status: "timeout", reason: "killed after 3 s" };
  const unanswered = await machine.outcome(source);
  assert.equal("degraded" in unanswered && unanswered.degraded, "klist: killed after 3 s");
  answer = noCache;
  assert.deepEqual(await remaining(), [-90], "no answer is no end");
  answer = klist(400);
  assert.deepEqual(await remaining(), [190]);
  answer = noCache;
  assert.deepEqual(await remaining(), []);
  machine.seconds(7200);
  assert.deepEqual(await remaining(), []);
});

test("without klist it says that keyrings are not seen, where they are in use", async (t) => {
  const { machine, source } = await world(t, krb5);
  const plain = await machine.outcome(source);
  assert.ok("observations" in plain && plain.degraded === undefined);
  machine.write("etc/krb5.conf.d/cc", "[libdefaults]\n default_ccache_name = KEYRING:persistent:%{uid}\n");
  machine.write("run/user/1000/bus", "");
  const outcome = await machine.outcome(source);
  assert.ok("observations" in outcome);
  assert.equal(outcome.degraded, "klist is not installed: tickets in keyrings are not seen");
});

test("keys that the kernel got by upcalls", async (t) => {
  const { machine, source } = await world(t, krb5);
  machine.write(
    "proc/keys",
    `0000000d I--Q---     1   9m 39010000     0     0 cifs.spne ver=0x2;host=files;ip4=10.0.0.1;sec=krb5;uid=0x0;creduid=0x3e8;pid=0x12: 300
0000000e IN-----     1  10s 39010000     0     0 cifs.spne ver=0x2;host=other;ip4=10.0.0.2;sec=krb5;uid=0x0;creduid=0x0;pid=0x13
0000000f I--Q---     1 perm 39010000     0     0 user      mine: 3
`,
  );
  const { keys } = only(await machine.look(source), "tickets");
  assert.deepEqual(
    keys.map(({ type, uid, state, target, remainingNs }) => [type, uid, state, target?.server, remainingNs]),
    [
      ["cifs.spnego", 1000, "valid", "files", 540e9],
      ["cifs.spnego", 0, "negative", "other", 10e9],
    ],
  );
});
