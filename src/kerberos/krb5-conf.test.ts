import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { flagOf, type Krb5Files, readKrb5Conf, realmOfHost, valuesOf } from "./krb5-conf.ts";

const filesOf = (files: Readonly<Record<string, string>>): Krb5Files => ({
  read: async (path) => files[path],
  list: async (directory) => {
    const names = Object.keys(files).filter((path) => path.startsWith(`${directory}/`));
    return names.length === 0 ? undefined : names.map((path) => path.slice(directory.length + 1));
  },
});

const main = `# a comment
includedir /etc/krb5.conf.d
include /etc/missing.conf

[libdefaults]
	default_realm = LAB.TEST
	dns_lookup_kdc = false
	rdns = nonsense
	default_ccache_name = "KEYRING:persistent:%{uid}"
[realms]
LAB.TEST = {
  kdc = kdc1.lab.test
  kdc = [::1]:1088
  ; comment
  auth_to_local_names = {
    a = b
  }
}
 OTHER = {
  kdc = 10.0.0.1
 }
[domain_realm]
 .lab.test = LAB.TEST
 Special.lab.test = OTHER
what is this
`;

test("sections, values that stand several times, files that are included first", async () => {
  const conf = await readKrb5Conf(
    ["/etc/krb5.conf"],
    filesOf({
      "/etc/krb5.conf": main,
      "/etc/krb5.conf.d/b.conf": "[libdefaults]\n default_realm = FIRST\n",
      "/etc/krb5.conf.d/a_file": "[libdefaults]\n forwardable = yes\n",
      "/etc/krb5.conf.d/backup.rpmsave": "[libdefaults]\n default_realm = NOT\n",
      "/etc/krb5.conf.d/.hidden.conf": "[libdefaults]\n default_realm = NOT\n",
    }),
  );
  assert.deepEqual(conf.files, ["/etc/krb5.conf", "/etc/krb5.conf.d/a_file", "/etc/krb5.conf.d/b.conf"]);
  assert.deepEqual(valuesOf(conf, "libdefaults", "default_realm"), ["FIRST", "LAB.TEST"]);
  assert.deepEqual(valuesOf(conf, "libdefaults", "default_ccache_name"), ["KEYRING:persistent:%{uid}"]);
  assert.deepEqual(valuesOf(conf, "realms", "LAB.TEST", "kdc"), ["kdc1.lab.test", "[::1]:1088"]);
  assert.deepEqual(valuesOf(conf, "realms", "OTHER", "kdc"), ["10.0.0.1"]);
  assert.deepEqual(valuesOf(conf, "realms", "LAB.TEST", "auth_to_local_names", "a"), ["b"]);
  assert.deepEqual(
    ["dns_lookup_kdc", "forwardable", "rdns", "absent"].map((name) => flagOf(conf, "libdefaults", name)),
    [false, true, undefined, undefined],
  );
  assert.deepEqual(conf.troubles, [
    "/etc/krb5.conf includes /etc/missing.conf, which cannot be read",
    "/etc/krb5.conf:25: this line is not understood",
  ]);
});

test("the realm of a host is that of its nearest name", async () => {
  const conf = await readKrb5Conf(["/etc/krb5.conf"], filesOf({ "/etc/krb5.conf": main }));
  assert.deepEqual(
    ["files.lab.test", "special.LAB.test", "a.b.lab.test", "lab.test", "elsewhere"].map((host) =>
      realmOfHost(conf, host),
    ),
    ["LAB.TEST", "OTHER", "LAB.TEST", undefined, undefined],
  );
});

test("a file that includes itself ends, and nothing in a file makes it throw", async () => {
  const { files, troubles } = await readKrb5Conf(["/a"], filesOf({ "/a": "include /a\n" }));
  assert.ok(files.length < 100 && troubles.length === 1);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.stringMatching(/^[[\]{}=*#; a-z."]{0,20}$/)), async (lines) => {
      await readKrb5Conf(["/a"], filesOf({ "/a": lines.join("\n") }));
    }),
  );
});
