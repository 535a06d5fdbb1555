// The book of one token: balances, the list of blocks, and what was done lately, so that a transfer sent twice
// with the same creation time happens once. Source: ICRC-1, "Transaction deduplication".
//
// Properties:
// - B1 the balances add up to the supply: every change is one of mint, burn, transfer with its fee burned.
// - B2 a balance changes only together with its block.
// - B3 a transaction with a creation time is applied at most once; the second answers the first one's block.
//
// Amounts are u64 in the token's smallest unit. A supply beyond 1.8 × 10^19 is refused at the mint; that is
// enough for 18 million T cycles and for every ICP there will be, and it is said in the ledgers' READMEs.

import { time } from "../cdk/api";
import { ByteReader, ByteWriter } from "../cdk/stable/bytes";
import { StableBTreeMap } from "../cdk/stable/btree-map";
import { Memory } from "../cdk/stable/memory-manager";

export namespace BlockKind {
  export const Mint: u8 = 0;
  export const Burn: u8 = 1;
  export const Transfer: u8 = 2;
}

const LAYOUT: u8 = 1;

/** ICRC-1 recommends a day and two minutes for clocks. */
const WINDOW_NANOS: u64 = 24 * 3_600 * 1_000_000_000;
const DRIFT_NANOS: u64 = 2 * 60 * 1_000_000_000;

// Layout 1: u8 version · u8 kind · bytes from · bytes to · u64 amount · u64 fee · u64 timestamp (ns) · bytes memo · u64 legacy memo
export class Block {
  kind: u8 = BlockKind.Mint;
  from: Uint8Array = new Uint8Array(0);
  to: Uint8Array = new Uint8Array(0);
  amount: u64 = 0;
  fee: u64 = 0;
  timestamp: u64 = 0;
  memo: Uint8Array = new Uint8Array(0);
  /** The u64 memo of the ICP ledger's older interface. */
  legacyMemo: u64 = 0;

  encode(w: ByteWriter): void {
    w.u8(LAYOUT);
    w.u8(this.kind);
    w.bytes(this.from);
    w.bytes(this.to);
    w.u64(this.amount);
    w.u64(this.fee);
    w.u64(this.timestamp);
    w.bytes(this.memo);
    w.u64(this.legacyMemo);
  }

  decode(r: ByteReader): void {
    assert(r.u8() == LAYOUT, "unknown layout of a block");
    this.kind = r.u8();
    this.from = r.bytes();
    this.to = r.bytes();
    this.amount = r.u64();
    this.fee = r.u64();
    this.timestamp = r.u64();
    this.memo = r.bytes();
    this.legacyMemo = r.u64();
  }
}

export const enum Fault {
  None = 0,
  InsufficientFunds = 1,
  TooOld = 2,
  CreatedInFuture = 3,
  Duplicate = 4,
  Overflow = 5,
}

export class Outcome {
  constructor(
    public fault: Fault,
    /** Index of the block, also of the first one when this is a duplicate. */
    public block: u64,
  ) {}
}

export class Book {
  private balances: StableBTreeMap<Uint8Array, u64>;
  private blocks: StableBTreeMap<u64, Block>;
  /** Hash of a transaction with a creation time → its block. */
  private recent: StableBTreeMap<Uint8Array, u64>;
  /** Creation time (big-endian) · hash → 0: what falls out of the window first comes first. */
  private expiring: StableBTreeMap<Uint8Array, u8>;
  private state: StableBTreeMap<u8, u64>;

  constructor(balances: Memory, blocks: Memory, recent: Memory, expiring: Memory, state: Memory) {
    this.balances = new StableBTreeMap<Uint8Array, u64>(balances);
    this.blocks = new StableBTreeMap<u64, Block>(blocks);
    this.recent = new StableBTreeMap<Uint8Array, u64>(recent);
    this.expiring = new StableBTreeMap<Uint8Array, u8>(expiring);
    this.state = new StableBTreeMap<u8, u64>(state);
  }

  get length(): u64 {
    return this.blocks.size;
  }

  get supply(): u64 {
    return this.state.getOr(0, 0);
  }

  balance(account: Uint8Array): u64 {
    return this.balances.getOr(account, 0);
  }

  block(index: u64): Block | null {
    return this.blocks.find(index) ? this.blocks.found() : null;
  }

  private setBalance(account: Uint8Array, amount: u64): void {
    if (amount == 0) this.balances.remove(account);
    else this.balances.insert(account, amount);
  }

  private add(block: Block): u64 {
    const index = this.blocks.size;
    block.timestamp = time();
    this.blocks.insert(index, block);
    return index;
  }

  /** Creates `amount`. */
  mint(to: Uint8Array, amount: u64, memo: Uint8Array): Outcome {
    const supply = this.supply;
    if (supply + amount < supply) return new Outcome(Fault.Overflow, 0);
    const block = new Block();
    block.kind = BlockKind.Mint;
    block.to = to;
    block.amount = amount;
    block.memo = memo;
    this.setBalance(to, this.balance(to) + amount);
    this.state.insert(0, supply + amount);
    return new Outcome(Fault.None, this.add(block));
  }

  /** Destroys `amount` and `fee` of an account. */
  burn(from: Uint8Array, amount: u64, fee: u64, memo: Uint8Array): Outcome {
    const before = this.balance(from);
    const total = amount + fee;
    if (total < amount || before < total) return new Outcome(Fault.InsufficientFunds, 0);
    const block = new Block();
    block.kind = BlockKind.Burn;
    block.from = from;
    block.amount = amount;
    block.fee = fee;
    block.memo = memo;
    this.setBalance(from, before - total);
    this.state.insert(0, this.supply - total);
    return new Outcome(Fault.None, this.add(block));
  }

  transfer(from: Uint8Array, to: Uint8Array, amount: u64, fee: u64, memo: Uint8Array, legacyMemo: u64 = 0): Outcome {
    const before = this.balance(from);
    const total = amount + fee;
    if (total < amount || before < total) return new Outcome(Fault.InsufficientFunds, 0);
    const block = new Block();
    block.kind = BlockKind.Transfer;
    block.from = from;
    block.to = to;
    block.amount = amount;
    block.fee = fee;
    block.memo = memo;
    block.legacyMemo = legacyMemo;
    this.setBalance(from, before - total);
    this.setBalance(to, this.balance(to) + amount);
    this.state.insert(0, this.supply - fee);
    return new Outcome(Fault.None, this.add(block));
  }

  /** Checks a creation time and looks for an earlier transaction of the same hash. */
  admit(createdAt: u64, hash: Uint8Array): Outcome {
    const now = time();
    if (createdAt + WINDOW_NANOS + DRIFT_NANOS < now) return new Outcome(Fault.TooOld, 0);
    if (createdAt > now + DRIFT_NANOS) return new Outcome(Fault.CreatedInFuture, 0);
    this.forgetOld(now);
    if (this.recent.find(hash)) return new Outcome(Fault.Duplicate, this.recent.found());
    return new Outcome(Fault.None, 0);
  }

  remember(createdAt: u64, hash: Uint8Array, block: u64): void {
    this.recent.insert(hash, block);
    this.expiring.insert(expiryKey(createdAt, hash), 0);
  }

  /** A few at a time, so that no transaction pays for many. */
  private forgetOld(now: u64): void {
    const cursor = this.expiring.cursor();
    for (let i = 0; i < 4 && cursor.first(); i++) {
      const key = cursor.key;
      if (bswap(load<u64>(key.dataStart)) + WINDOW_NANOS + DRIFT_NANOS >= now) return;
      this.recent.remove(key.slice(8));
      this.expiring.remove(key);
    }
  }
}

function expiryKey(createdAt: u64, hash: Uint8Array): Uint8Array {
  const key = new Uint8Array(8 + hash.length);
  store<u64>(key.dataStart, bswap(createdAt));
  key.set(hash, 8);
  return key;
}
