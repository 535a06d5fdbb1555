// Account identifiers of the ICP ledger: CRC-32 and SHA-224 over owner and subaccount, 32 bytes.

import { crc32Ptr } from "../hash/crc32";
import { sha224 } from "../hash/sha256";
import { Principal } from "./principal";

/** `subaccount` has 32 bytes; null means all zero. */
export function accountIdentifier(owner: Principal, subaccount: Uint8Array | null = null): Uint8Array {
  const n = owner.bytes.length;
  const preimage = new Uint8Array(11 + n + 32);
  preimage[0] = 10; // length of the domain separator
  const domain = String.UTF8.encode("account-id");
  memory.copy(preimage.dataStart + 1, changetype<usize>(domain), 10);
  memory.copy(preimage.dataStart + 11, owner.bytes.dataStart, n);
  if (subaccount != null) {
    assert(subaccount.length == 32, "a subaccount has 32 bytes");
    memory.copy(preimage.dataStart + 11 + n, subaccount.dataStart, 32);
  }
  const digest = sha224(preimage);
  const id = new Uint8Array(32);
  store<u32>(id.dataStart, bswap<u32>(crc32Ptr(digest.dataStart, 28)));
  memory.copy(id.dataStart + 4, digest.dataStart, 28);
  return id;
}

/** The 32-byte subaccount that belongs to a principal: its length, its bytes, zeros. */
export function principalSubaccount(principal: Principal): Uint8Array {
  const out = new Uint8Array(32);
  out[0] = <u8>principal.bytes.length;
  memory.copy(out.dataStart + 1, principal.bytes.dataStart, principal.bytes.length);
  return out;
}

/** Whether 32 bytes carry a right checksum. */
export function isAccountIdentifier(id: Uint8Array): bool {
  return id.length == 32 && bswap<u32>(load<u32>(id.dataStart)) == crc32Ptr(id.dataStart + 4, 28);
}
