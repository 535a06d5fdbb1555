// Who this canister belongs to and what it was told at birth.

import { Principal } from "../../../cdk/principal/principal";
import { ByteReader, ByteWriter } from "../../../cdk/stable/bytes";
import { StableCell } from "../../../cdk/stable/cell";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { ACCOUNT } from "../memory";

const LAYOUT: u8 = 2;

// Layout 1: u8 version · bytes user index · bytes local index · bytes owner (empty while pooled)
//           · text username · u8 has display name [text] · text bio
// Layout 2: the same · bool the user index does not know the display name yet
export class Account {
  userIndex: Uint8Array = new Uint8Array(0);
  localIndex: Uint8Array = new Uint8Array(0);
  owner: Uint8Array = new Uint8Array(0);
  username: string = "";
  displayName: string | null = null;
  bio: string = "";
  isNameUntold: bool = false;

  get isClaimed(): bool {
    return this.owner.length > 0;
  }

  encode(w: ByteWriter): void {
    w.u8(LAYOUT);
    w.bytes(this.userIndex);
    w.bytes(this.localIndex);
    w.bytes(this.owner);
    w.text(this.username);
    const displayName = this.displayName;
    w.u8(displayName === null ? 0 : 1);
    if (displayName !== null) w.text(displayName);
    w.text(this.bio);
    w.bool(this.isNameUntold);
  }

  decode(r: ByteReader): void {
    const layout = r.u8();
    assert(layout == 1 || layout == LAYOUT, "unknown layout of the account");
    this.userIndex = r.bytes();
    this.localIndex = r.bytes();
    this.owner = r.bytes();
    this.username = r.text();
    this.displayName = r.u8() == 0 ? null : r.text();
    this.bio = r.text();
    if (layout > 1) this.isNameUntold = r.bool();
  }
}

const cell = new StableCell<Account>(stableMemory(ACCOUNT), new Account());
let cached: Account | null = null;

/** The account; change it and call `saveAccount`. */
export function account(): Account {
  let current = cached;
  if (current === null) {
    current = cell.get();
    cached = current;
  }
  return current;
}

export function saveAccount(): void {
  cell.set(account());
}

export function userIndex(): Principal {
  return new Principal(account().userIndex);
}

export function localIndex(): Principal {
  return new Principal(account().localIndex);
}
