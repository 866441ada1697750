import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { choosePackage, compareNumbersIn, kernelLine, packagesOf } from "./kernels.ts";

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

test("a line whose suite moves on takes the newest of its own version, then the newest after it, never an older one", () => {
  const line = kernelLine("7.2");
  const sid = ["linux-image-7.2.9+deb14-amd64", "linux-image-7.2.13+deb14-amd64", "linux-image-7.3.1+deb14-amd64"];
  assert.equal(choosePackage(line, [...names, ...sid]), "linux-image-7.2.13+deb14-amd64");
  assert.equal(choosePackage(line, [...names, "linux-image-7.3.1+deb14-amd64"]), "linux-image-7.3.1+deb14-amd64");
  assert.equal(choosePackage(line, names), undefined);
  assert.equal(choosePackage(kernelLine("6.1"), sid), undefined);
});

test("a split kernel is its modules, its binary (the unsigned one where no other is) and its base", () => {
  const image = "linux-image-7.2.13+deb14-amd64";
  const [modules, binary, base] = ["modules", "binary", "base"].map((part) => `linux-${part}-7.2.13+deb14-amd64`);
  const unsigned = "linux-binary-unsigned-7.2.13+deb14-amd64";
  assert.deepEqual(packagesOf(image, [image]), [image]);
  const all = [image, modules ?? "", binary ?? "", unsigned, base ?? ""];
  assert.deepEqual(packagesOf(image, all), [modules, binary, base]);
  const withoutSigned = all.filter((name) => name !== binary);
  assert.deepEqual(packagesOf(image, withoutSigned), [modules, unsigned, base]);
});
