import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseCcache } from "./ccache.ts";
import { makeCcache, SESSION_KEY } from "./fixture.ts";
import { parseKlist } from "./klist.ts";

const tgt = { service: "krbtgt/R.EXAMPLE@R.EXAMPLE", end: 1_800_000_000, renewUntil: 1_800_600_000 };
/** As the parser tells it: the fixture's keys are of this type. */
const told = <T extends object>(ticket: T) => ({ ...ticket, encryption: "aes256-cts-hmac-sha1-96" });
const cifs = { service: "cifs/files.example@R.EXAMPLE", end: 1_800_000_000, renewUntil: 0 };

describe("a credential cache in a file", () => {
  for (const version of [3, 4] as const) {
    it(`version ${version}: whose it is, and when its tickets end`, () => {
      const settings = { service: "krb5_ccache_conf_data/fast_avail@X-CACHECONF:", end: 100_000 };
      const cache = parseCcache(makeCcache("u@R.EXAMPLE", [tgt, settings, cifs], version));
      assert.deepEqual(cache, { client: "u@R.EXAMPLE", tickets: [told(tgt), told(cifs)], whole: true });
      assert.ok(!JSON.stringify(cache).includes(SESSION_KEY));
    });
  }

  it("one that is cut off gives what is whole in it", () => {
    const bytes = makeCcache("u@R", [tgt, cifs]);
    assert.deepEqual(parseCcache(bytes.subarray(0, bytes.length - 5)), {
      client: "u@R",
      tickets: [told(tgt)],
      whole: false,
    });
  });

  it("what is none is none", () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from("# a file"), Buffer.from([5, 4])])
      assert.equal(parseCcache(bytes), undefined);
  });

  it("no bytes make it throw, and it comes to an end", () => {
    const any = fc.uint8Array({ maxLength: 400 });
    fc.assert(fc.property(any, (bytes) => void parseCcache(Buffer.from(bytes))));
    fc.assert(fc.property(any, (bytes) => void parseCcache(Buffer.concat([Buffer.from([5, 4, 0, 0]), bytes]))));
    const good = makeCcache("u@R", [tgt, cifs]);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, byte) => {
        const broken = Buffer.from(good);
        broken[at] = byte;
        parseCcache(broken);
      }),
    );
  });
});

describe("MIT Kerberos 1.20", () => {
  const fixture = (name: string) => readFileSync(new URL(`../../test/fixtures/kerberos/${name}`, import.meta.url));

  it("the file and what klist prints of it say the same", () => {
    const cache = parseCcache(fixture("mit-1.20.ccache"));
    const encryption = "aes256-cts-hmac-sha1-96";
    const end = Date.UTC(2026, 10, 22, 23, 52, 29) / 1000;
    const renewUntil = Date.UTC(2026, 10, 27, 22, 52, 29) / 1000;
    assert.deepEqual(cache, {
      client: "u@LAB.EXAMPLE",
      tickets: [
        { service: "krbtgt/LAB.EXAMPLE@LAB.EXAMPLE", end, renewUntil, encryption },
        { service: "cifs/files.example@LAB.EXAMPLE", end, renewUntil, encryption },
      ],
      whole: true,
    });
    const plain = cache?.tickets.map(({ encryption: _, ...ticket }) => ticket);
    assert.deepEqual(parseKlist(fixture("mit-1.20.klist").toString()), { ...cache, tickets: plain });
  });
});

describe("klist", () => {
  const text = (year: string) => `Ticket cache: KEYRING:persistent:1000:1000
Default principal: u@R.EXAMPLE

Valid starting     Expires            Service principal
01/15/${year} 07:00:00  01/15/${year} 08:00:00  krbtgt/R.EXAMPLE@R.EXAMPLE
	renew until 01/22/${year} 07:00:00
01/15/${year} 07:00:00  01/15/${year} 08:00:00  cifs/files.example@R.EXAMPLE
`;

  it("prints years with two digits or four", () => {
    const end = Date.UTC(2027, 0, 15, 8) / 1000;
    for (const year of ["27", "2027"]) {
      assert.deepEqual(parseKlist(text(year)), {
        client: "u@R.EXAMPLE",
        tickets: [
          { service: tgt.service, end, renewUntil: Date.UTC(2027, 0, 22, 7) / 1000 },
          { service: cifs.service, end, renewUntil: 0 },
        ],
        whole: true,
      });
    }
  });

  it("-e tells encryption types, behind the renewal or alone", () => {
    const withTypes = text("2027")
      .replace(
        "2027 07:00:00\n",
        "2027 07:00:00, Etype (skey, tkt): aes256-cts-hmac-sha1-96, aes256-cts-hmac-sha1-96 \n",
      )
      .concat("\tEtype (skey, tkt): DEPRECATED:arcfour-hmac, aes256-cts-hmac-sha1-96 \n");
    assert.deepEqual(
      parseKlist(withTypes)?.tickets.map(({ encryption }) => encryption),
      ["aes256-cts-hmac-sha1-96", "DEPRECATED:arcfour-hmac"],
    );
  });

  it("no cache is none, and no text makes it throw", () => {
    assert.equal(parseKlist(""), undefined);
    fc.assert(fc.property(fc.string(), (any) => void parseKlist(`Default principal: a@B\n${any}`)));
  });
});
