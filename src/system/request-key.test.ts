import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ruleFor } from "./request-key.ts";

const request = {
  operation: "create",
  type: "cifs.spnego",
  description: "ver=0x2;host=files.example;pid=0x12",
  callout: "",
};

/** What request-key 1.6.3 says of the same files: `request-key -d -l -n -vvv -D 'cifs.spnego;0;0;39010000;ver=...' create 1 0 0 0 0 0 ""`. */
const chosen = (...texts: string[]): string => {
  const choice = ruleFor(
    texts.map((text, index) => ({ path: `f${index}`, text })),
    request,
  );
  if (choice.is === "rule") return `${choice.rule.piped ? "|" : ""}${choice.rule.argv.join(" ")}`;
  return choice.is === "none" ? "none" : `${choice.where} ${choice.why}`;
};

const debian = `# comment
create  dns_resolver *		*               /sbin/key.dns_resolver %k
create	user	debug:*		negate		/bin/keyctl negate %k 30 %S
negate	*	*		*		/bin/keyctl negate %k 30 %S
`;

describe("the program that makes a key", () => {
  for (const [name, texts, result] of [
    ["Debian's files", ["create  cifs.spnego    * * /usr/sbin/cifs.upcall %k\n", debian], "/usr/sbin/cifs.upcall %k"],
    ["no rule", [debian], "none"],
    ["of equals the first", ["create cifs.spnego * * /a %k\n", "create cifs.spnego * * /b %k\n"], "/a %k"],
    [
      "fewer characters left to stars",
      ["create cifs.spnego * * /a %k\n", "create cifs.spnego ver=0x2;host=files* * /b %k\n"],
      "/b %k",
    ],
    [
      "the type ranks before the description",
      ["create cifs.* ver=0x2;host=files* * /a %k\n", "create *.spnego * * /b %k\n"],
      "/b %k",
    ],
    ["a star for nothing", ["create cifs.spnego* * * /a %k\n"], "/a %k"],
    ["a star inside a word", ["create cifs.s*go * * /a %k\n"], "none"],
    ["two stars", ["create cifs.spnego *host* * /a %k\n"], "none"],
    ["white space before", ["  create cifs.spnego * * /a %k\n"], "none"],
    ["a callout", ["create cifs.spnego * negate /a %k\n"], "none"],
    ["tabs and a pipe", ["create\tcifs.spnego\t*\t*\t|/a %k\n"], "|/a %k"],
    ["the last line loses its last character", ["create cifs.spnego * * /a %k"], "/a %"],
    ["too few columns", ["create cifs.spnego *\ncreate cifs.spnego * * /a %k\n"], "f0:1 columns are missing"],
    ["no program", ["create cifs.spnego * *  \n"], "f0:1 columns are missing"],
    ["too few columns of another type", ["create foo *\ncreate cifs.spnego * * /a %k\n"], "/a %k"],
    ["a word alone", ["create\n"], "f0:1 columns are missing"],
    ["a broken line after the match", ["create cifs.spnego * * /a %k\ncreate\n"], "f0:2 columns are missing"],
    ["a long line", [`${"#".repeat(5000)}\ncreate cifs.spnego * * /a %k\n`], "f0:1 the line is too long"],
  ] as const) {
    it(name, () => assert.equal(chosen(...texts), result));
  }

  it("nothing makes it throw", () => {
    const line = fc.stringMatching(/^[creat cifs.spnego*#|/%k\t]{0,60}$/);
    fc.assert(fc.property(fc.array(line), fc.string(), (lines, text) => void chosen(lines.join("\n"), text)));
  });
});
