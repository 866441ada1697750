import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { journalArgv, parseJournalEntry } from "./journal.ts";

test("an entry", () => {
  const entry = {
    __MONOTONIC_TIMESTAMP: "123456789",
    SYSLOG_IDENTIFIER: "rpc.gssd",
    _COMM: "rpc.gssd",
    _PID: "77",
    MESSAGE: "ERROR: no",
  };
  assert.deepEqual(parseJournalEntry(JSON.stringify(entry)), {
    timeNs: 123_456_789_000,
    program: "rpc.gssd",
    pid: 77,
    text: "ERROR: no",
  });
});

test("a text that is not UTF-8 comes as bytes, one that stands twice as a list", () => {
  assert.equal(parseJournalEntry('{"MESSAGE":[65,27,66]}')?.text, "A\u001bB");
  assert.equal(parseJournalEntry('{"MESSAGE":["first","second"]}')?.text, "first");
  assert.equal(parseJournalEntry('{"MESSAGE":null}'), undefined);
});

test("a refusal by the kernel is the audit's, whoever is named", () => {
  assert.equal(parseJournalEntry('{"MESSAGE":"avc","_TRANSPORT":"audit","_COMM":"x"}')?.program, "audit");
});

test("no line makes it throw", () => {
  fc.assert(fc.property(fc.string(), (line) => void parseJournalEntry(line)));
  fc.assert(fc.property(fc.json(), (line) => void parseJournalEntry(line)));
  const message = fc.record({ MESSAGE: fc.jsonValue(), _PID: fc.jsonValue(), SYSLOG_IDENTIFIER: fc.jsonValue() });
  fc.assert(fc.property(message, (entry) => void parseJournalEntry(JSON.stringify(entry))));
});

test("journald is asked for these programs, and for refusals", () => {
  const argv = journalArgv(["a", "b"]);
  assert.deepEqual(argv.slice(argv.indexOf("SYSLOG_IDENTIFIER=a")), [
    "SYSLOG_IDENTIFIER=a",
    "SYSLOG_IDENTIFIER=b",
    "+",
    "_TRANSPORT=audit",
    "_AUDIT_TYPE=1400",
  ]);
});
