// RFC 5531 (RPC), 2203 (RPCSEC_GSS), 9289 (RPC with TLS): numbers and their names.

export const programNumbers = {
  rpcbind: 100000,
  nfs: 100003,
  mount: 100005,
  nlm: 100021,
  status: 100024,
  nfsacl: 100227,
} as const;

export const AUTH_NONE = 0;
export const AUTH_SYS = 1;
export const RPCSEC_GSS = 6;
export const AUTH_TLS = 7;

/** The most that credentials or a verifier may have, in bytes. */
export const MAX_AUTH = 400;

/** accept_stat */
export const acceptStates: readonly string[] = [
  "SUCCESS",
  "PROG_UNAVAIL",
  "PROG_MISMATCH",
  "PROC_UNAVAIL",
  "GARBAGE_ARGS",
  "SYSTEM_ERR",
];

/** auth_stat */
const authErrors: Readonly<Record<number, string>> = {
  1: "AUTH_BADCRED",
  2: "AUTH_REJECTEDCRED",
  3: "AUTH_BADVERF",
  4: "AUTH_REJECTEDVERF",
  5: "AUTH_TOOWEAK",
  6: "AUTH_INVALIDRESP",
  7: "AUTH_FAILED",
  13: "RPCSEC_GSS_CREDPROBLEM",
  14: "RPCSEC_GSS_CTXPROBLEM",
};

export const authErrorName = (error: number | undefined): string =>
  authErrors[error ?? 0] ?? `AUTH_ERROR ${error ?? "?"}`;

/** `sec=` of a flavour, as RFC 2623 and 7861 number them. */
const flavors: Readonly<Record<number, string>> = {
  0: "none",
  1: "sys",
  390003: "krb5",
  390004: "krb5i",
  390005: "krb5p",
};

export const flavorName = (flavor: number): string => flavors[flavor] ?? `flavour ${flavor}`;
