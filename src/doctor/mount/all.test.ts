import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeMachine } from "../network/fixture.ts";
import { knownMounts } from "./all.ts";
import { subjectText } from "./target.ts";

const signal = new AbortController().signal;
const mount = (source: string, target: string, type: string, options: string): string =>
  `40 1 0:45 / ${target} rw,relatime shared:1 - ${type} ${source} ${options}`;

test("mounts that are there, of fstab and of systemd's units, each mount point once", async (t) => {
  const machine = fakeMachine(t, {
    files: {
      "proc/self/mountinfo": `${[
        mount("//files/share", "/mnt/a", "cifs", "rw,vers=3.1.1,username=me,addr=192.0.2.1,rsize=4194304,nounix"),
        mount("files:/srv", "/mnt/b", "nfs4", "rw,vers=4.2,addr=192.0.2.1,clientaddr=192.0.2.9"),
        mount("/dev/sda1", "/", "ext4", "rw"),
      ].join("\n")}\n`,
      "etc/fstab": [
        "# <file system>",
        "//files/share /mnt/a cifs credentials=/etc/cred,password=planted,_netdev 0 0",
        "//files/two\\040words /mnt/c smb3 guest 0 0",
        "/dev/sda1 / ext4 defaults 0 1",
      ].join("\n"),
      "etc/systemd/system/mnt-d.mount":
        "[Unit]\nDescription=x\n\n[Mount]\nWhat=files:/export\nWhere=/mnt/d\nType=nfs\nOptions=nfsvers=3\n\n[Install]\n",
      "usr/lib/systemd/system/mnt-d.mount": "[Mount]\nWhat=old:/export\nWhere=/mnt/d\nType=nfs\n",
    },
  });
  const known = await knownMounts(machine, signal);
  assert.deepEqual(known.wrong, []);
  assert.deepEqual(
    known.mounts
      .map(({ target, options, from }) => [subjectText(target), target.mountedFrom, String(options), from])
      .sort(),
    [
      ["//files/share on /mnt/a", "192.0.2.1", "credentials=/etc/cred,password,_netdev", "/etc/fstab, mounted"],
      ["//files/two words on /mnt/c", undefined, "guest", "/etc/fstab"],
      ["files:/export on /mnt/d", undefined, "nfsvers=3", "/etc/systemd/system/mnt-d.mount"],
      ["files:/srv on /mnt/b", "192.0.2.1", "vers=4.2", "mounted"],
    ],
  );
  assert.doesNotMatch(JSON.stringify(known), /planted/);
});

test("an entry that no mount can be made of is told, and hides no other", async (t) => {
  const machine = fakeMachine(t, {
    files: {
      "proc/self/mountinfo": `${mount("//files/share", "/mnt/a", "cifs", "rw,addr=192.0.2.1")}\n`,
      "etc/fstab": [
        "//files /mnt/a cifs guest 0 0",
        "files:/srv /mnt/b cifs guest 0 0",
        "//files/share /mnt/c nfs defaults 0 0",
        "files /mnt/d nfs4 defaults 0 0",
        "files:/srv /mnt/e nfs4 defaults 0 0",
      ].join("\n"),
      "etc/systemd/system/mnt-f.mount": "[Mount]\nWhere=/mnt/f\nType=cifs\n",
    },
  });
  const { mounts, wrong } = await knownMounts(machine, signal);
  assert.deepEqual(mounts.map(({ target }) => target.mountPoint).sort(), ["/mnt/a", "/mnt/e"]);
  assert.deepEqual(
    wrong.map(({ subject, from }) => [subject, from]),
    [
      ["nothing on /mnt/f", "/etc/systemd/system/mnt-f.mount"],
      ["//files on /mnt/a", "/etc/fstab"],
      ["files:/srv on /mnt/b", "/etc/fstab"],
      ["//files/share on /mnt/c", "/etc/fstab"],
      ["files on /mnt/d", "/etc/fstab"],
    ],
  );
  assert.match(wrong[2]?.why ?? "", /no source for the type cifs, which takes \/\/SERVER\/SHARE/);
});
