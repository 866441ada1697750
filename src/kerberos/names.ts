// Numbers of Kerberos in words: RFC 3961, 3962, 4757, 8009 and IANA's registry of encryption types.

const encryptionNames: Readonly<Record<number, string>> = {
  1: "des-cbc-crc",
  2: "des-cbc-md4",
  3: "des-cbc-md5",
  16: "des3-cbc-sha1",
  17: "aes128-cts-hmac-sha1-96",
  18: "aes256-cts-hmac-sha1-96",
  19: "aes128-cts-hmac-sha256-128",
  20: "aes256-cts-hmac-sha384-192",
  23: "arcfour-hmac",
  24: "arcfour-hmac-exp",
  25: "camellia128-cts-cmac",
  26: "camellia256-cts-cmac",
};

export const encryptionName = (type: number): string => encryptionNames[type] ?? `encryption type ${type}`;

/** DES and RC4, which servers and libraries stop taking. klist calls them `DEPRECATED:arcfour-hmac`. */
export const isWeakEncryption = (name: string): boolean => /(?:^|:)(?:des|arcfour|rc4)/i.test(name);
