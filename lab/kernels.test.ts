import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { choosePackage, compareNumbersIn, kernelLine } from "./kernels.ts";

const names = [
  "linux-image-6.1.0-9-amd64",
  "linux-image-6.1.0-47-amd64",
  "linux-image-6.1.0-56-amd64",
  "linux-image-6.1.0-56-amd64-dbg",
  "linux-image-6.1.0-56-amd64-unsigned",
  "linux-image-6.1.0-56-cloud-amd64",
  "linux-image-6.1.0-57-rt-amd64",
  "linux-image-6.12-amd64",
  "linux-image-6.12.90+deb12-amd64",
  "linux-image-6.12.90+deb12.1-amd64",
  "linux-image-6.12.117+deb12-amd64",
  "linux-image-6.12.118+deb12-cloud-amd64",
  "linux-image-6.12.120+deb13-amd64",
  "linux-image-amd64",
];

test("takes the newest signed image of a line, never rt, cloud, debug or another line", () => {
  assert.equal(choosePackage(kernelLine("6.1"), names), "linux-image-6.1.0-56-amd64");
  assert.equal(choosePackage(kernelLine("6.12"), names), "linux-image-6.12.117+deb12-amd64");
});

test("takes an unsigned image only where its version has no signed one", () => {
  const more = [...names, "linux-image-6.1.0-58-amd64-unsigned"];
  assert.equal(choosePackage(kernelLine("6.1"), more), "linux-image-6.1.0-58-amd64-unsigned");
  assert.equal(
    choosePackage(kernelLine("6.1"), ["linux-image-6.1.0-56-amd64-unsigned", "linux-image-6.1.0-56-amd64"]),
    "linux-image-6.1.0-56-amd64",
  );
});

test("a rebuild of the same version counts as newer", () => {
  const builds = ["linux-image-6.12.90+deb12.1-amd64", "linux-image-6.12.90+deb12-amd64"];
  assert.equal(choosePackage(kernelLine("6.12"), builds), "linux-image-6.12.90+deb12.1-amd64");
});

test("nothing of the line gives nothing, an unknown line is an error of usage", () => {
  assert.equal(choosePackage(kernelLine("6.1"), ["linux-image-amd64"]), undefined);
  assert.throws(() => kernelLine("6.2"), { code: "usage" });
});

test("the choice does not depend on the order of the names", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(names, { minLength: names.length }), (shuffled) => {
      assert.equal(choosePackage(kernelLine("6.12"), shuffled), "linux-image-6.12.117+deb12-amd64");
    }),
  );
});

test("numbers are compared as numbers", () => {
  assert.ok(compareNumbersIn("6.1.0-9", "6.1.0-10") < 0);
  assert.equal(compareNumbersIn("6.1.0-9", "6.1.0-9"), 0);
});
