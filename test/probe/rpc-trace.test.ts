// The programs of rpc_trace without a kernel, and what aod-probe tells them of it: numbers of procedures, places of fields.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import fc from "fast-check";
import { procedureName } from "../../src/nfs/procedures.ts";
import { compile, runProgram, withoutCompiler } from "./compile.ts";

describe("rpc_trace", { skip: withoutCompiler }, () => {
  const program = withoutCompiler === false ? compile("rpc-trace", ["rpc/numbers", "rpc/silent"]) : "";
  const tables = withoutCompiler === false ? compile("rpc-tables", ["rpc/numbers", "rpc/layout", "rpc/known"]) : "";
  const events = mkdtempSync(join(tmpdir(), "events-"));
  after(() => rmSync(events, { recursive: true }));

  // Less than the ring holds, and more.
  for (const steps of [5, 2000, 90_000]) {
    test(`${steps} steps: every operation ends once, with all its attempts and transmissions, or is open`, () => {
      for (const seed of fc.sample(fc.nat(), 4)) {
        const { status, stderr } = runProgram(program, [String(seed), String(steps)]);
        assert.equal(status, 0, `seed ${seed}: ${stderr}`);
      }
    });
  }

  test("the helper has the names and numbers that the tools have", () => {
    const { status, stdout, stderr } = runProgram(tables, ["numbers"]);
    assert.equal(status, 0, stderr);
    const seen = new Set(stdout.toString().trim().split("\n"));
    const known = [3, 4].flatMap((version) => {
      const names: string[] = [];
      for (let code = 0; ; code++) {
        const name = procedureName(version, code);
        if (name === undefined) return names;
        names.push(`${version} ${code} ${name}`);
      }
    });
    assert.deepEqual(seen, new Set(known));
  });

  const format = (fields: string): string =>
    `name: rpc_clnt_free\nID: 1\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n${fields}\nprint fmt: "client_id; offset:4; size:4;"\n`;
  const client = "\tfield:unsigned int client_id;\toffset:12;\tsize:4;\tsigned:0;\n";
  for (const [name, text, said] of [
    ["a field is found wherever it stands", format(client), /^12 $/],
    ["not one whose name ends alike", format(client.replace("client_id", "other_client_id")), /has no field client_id/],
    ["not one of another size", format(client.replace("size:4", "size:8")), /has 8 bytes at 12, 4 expected/],
    ["nor one that is only printed", format(""), /has no field client_id/],
    ["nothing of a file that ends early", "name: rpc", /has no field client_id/],
  ] as const) {
    test(`fields of trace points: ${name}`, () => {
      mkdirSync(join(events, "sunrpc/rpc_clnt_free"), { recursive: true });
      writeFileSync(join(events, "sunrpc/rpc_clnt_free/format"), text);
      const { status, stdout, stderr } = runProgram(tables, ["events", events]);
      assert.equal(status, 0, stderr);
      assert.match(
        stdout
          .toString()
          .trimEnd()
          .concat(said.source.endsWith(" $") ? " " : ""),
        said,
      );
    });
  }

  test("clients that were there before: by number, with their address, without what cannot be read", () => {
    const clients = join(events, "rpc_clnt");
    for (const [name, info] of [
      ["0", "netid: tcp\naddr:  192.0.2.7\nport:  2049\nstate: 0x1\n"],
      ["1a", "netid: tcp6\naddr:  2001:db8::1\n"],
      ["2", "netid: tcp\n"],
      ["other", "addr:  192.0.2.9\n"],
    ] as const) {
      mkdirSync(join(clients, name, "xprt"), { recursive: true });
      writeFileSync(join(clients, name, "xprt/info"), info);
    }
    mkdirSync(join(clients, "3"));
    const { status, stdout, stderr } = runProgram(tables, ["clients", clients]);
    assert.equal(status, 0, stderr);
    const [count, ...lines] = stdout.toString().trim().split("\n");
    assert.deepEqual([count, lines.sort()], ["2", ["0 192.0.2.7", "26 2001:db8::1"]]);
    assert.equal(runProgram(tables, ["clients", join(events, "nowhere")]).stdout.toString(), "0\n");
  });

  test("fields of trace points: there is no such trace point", () => {
    const { stdout } = runProgram(tables, ["events", join(events, "nowhere")]);
    assert.match(stdout.toString(), /this kernel has no trace point sunrpc\/rpc_clnt_free/);
  });
});
