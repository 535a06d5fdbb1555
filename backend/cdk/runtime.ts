/**
 * Memory for canisters: an allocator and a garbage collector made for short messages.
 *
 * Almost everything that a message allocates is dead when the message ends. So objects are laid one
 * after the other, and when a message ends and nothing that stays alive points into what it
 * allocated, the place where it began is simply the place where the next one begins: no marking, no
 * sweeping, and the same few memory pages again (a page dirtied costs 1,000 instructions). Only
 * what messages do leave behind is collected, by mark and sweep, when it has become enough.
 *
 * Must always: call `__collect` where no managed pointer is on the stack, that is at the end of an
 * entry point. Must never: move an object. A reference stored past the compiler (raw `store` of a
 * managed pointer into a managed object) must be followed by `__link`.
 *
 * How a message's end knows: the compiler calls `__link(parent, child)` for every reference stored
 * into an object; one from an object of before to an object of now is noted. Globals are looked
 * at when the message ends.
 *
 * Blocks, 16-byte aligned, from the end of static data to the end of the current region
 *   -16  4  size in bytes with this header, and in the low bits: 1 mark, 2 free, 4 raw, 8 seen (static objects)
 *   -12  4  link of the mark stack, of the list of holes
 *    -8  4  class id          (compiler's layout; static objects have these too)
 *    -4  4  size in use       (compiler's layout)
 *     0  …  content
 *
 * Raw blocks (`heap.alloc`) live until `heap.free`.
 */

// @ts-ignore: decorator
@inline const HEADER: usize = 16;
// @ts-ignore: decorator
@inline const MARK: u32 = 1;
// @ts-ignore: decorator
@inline const FREE: u32 = 2;
// @ts-ignore: decorator
@inline const RAW: u32 = 4;
// @ts-ignore: decorator
@inline const SEEN: u32 = 8;
// @ts-ignore: decorator
@inline const FLAGS: u32 = 15;

/** Cookies of a visit. */
// @ts-ignore: decorator
@inline const MARKING: u32 = 0;
// @ts-ignore: decorator
@inline const ESCAPING: u32 = 1;

/** Smaller holes than this wait for their neighbours to die. */
const MIN_HOLE: usize = 256;
/** At least so much must have been left behind before a collection: it visits everything alive. */
const MIN_GARBAGE: usize = 1 << 20;
/** Larger objects than this look through all holes instead of taking the first. */
const LARGE: usize = 4096;
/** Raw blocks looked at for reuse. */
const RAW_TRIES: i32 = 16;
const MAX_SIZE: usize = 1 << 30;

// @ts-ignore: decorator
@lazy const heapStart: usize = (__heap_base + 15) & ~15;

/** Next byte to hand out, and the end of the region that it lies in. */
// @ts-ignore: decorator
@lazy let bump: usize = heapStart;
// @ts-ignore: decorator
@lazy let regionEnd: usize = heapStart;
/** End of the last region in address order: blocks are below, nothing is above. */
// @ts-ignore: decorator
@lazy let memoryEnd: usize = heapStart;
/** Where this message's objects begin, and how far they can reach from there. */
// @ts-ignore: decorator
@lazy let young: usize = heapStart;
// @ts-ignore: decorator
@lazy let span: usize = 0;
/** Something that stays points into this message's objects, or they do not lie in one piece. */
// @ts-ignore: decorator
@lazy let escaped: bool = true;
/** The mark that living objects have. */
// @ts-ignore: decorator
@lazy let color: u32 = 0;
/** Bytes left behind by messages since the last collection, and how many make the next one due. */
// @ts-ignore: decorator
@lazy let left: usize = 0;
// @ts-ignore: decorator
@lazy let due: usize = MIN_GARBAGE;
/** Free regions, ascending. Linked through the word at -12 of their block; 0 ends. */
// @ts-ignore: decorator
@lazy let holes: usize = 0;
/** Freed raw blocks, linked likewise. */
// @ts-ignore: decorator
@lazy let rawFree: usize = 0;
// @ts-ignore: decorator
@lazy let stack: usize = 0;

// @ts-ignore: decorator
@inline function wordOf(p: usize): u32 { return load<u32>(p - 16); }
// @ts-ignore: decorator
@inline function setWord(p: usize, word: u32): void { store<u32>(p - 16, word); }
// @ts-ignore: decorator
@inline function linkOf(p: usize): usize { return load<u32>(p - 12); }
// @ts-ignore: decorator
@inline function setLink(p: usize, link: usize): void { store<u32>(p - 12, <u32>link); }

/** A block of `need` bytes, a multiple of 16; returns its content. */
// @ts-ignore: decorator
@inline function take(need: usize): usize {
  const at = bump;
  if (regionEnd - at < need) return takeElsewhere(need);
  bump = at + need;
  return at + HEADER;
}

/** The region is used up: goes on in a hole, or behind everything. */
function takeElsewhere(need: usize): usize {
  const top = regionEnd == memoryEnd;
  let before: usize = 0;
  for (let hole = holes; hole != 0; hole = linkOf(hole)) {
    const size = <usize>(wordOf(hole) & ~FLAGS);
    if (size >= need) {
      if (before == 0) holes = linkOf(hole);
      else setLink(before, linkOf(hole));
      enter(hole - HEADER, hole - HEADER + size);
      bump += need;
      return hole;
    }
    // A hole that is too small even for an ordinary object is not worth coming back to.
    if (need > LARGE) before = hole;
    else holes = linkOf(hole);
  }
  if (!top) enter(memoryEnd, memoryEnd);
  const end = bump + need;
  if (end < bump) unreachable();
  let limit = <usize>memory.size() << 16;
  if (end > limit) {
    const missing = end - limit;
    // Growing costs little, but every page is paid for by the second.
    if (memory.grow(pages(max<usize>(missing, limit >> 3))) < 0 && memory.grow(pages(missing)) < 0) unreachable();
    limit = <usize>memory.size() << 16;
  }
  memoryEnd = limit;
  regionEnd = limit;
  span = limit - young;
  const at = bump;
  bump = end;
  return at + HEADER;
}

function pages(bytes: usize): i32 { return <i32>((bytes + 0xffff) >> 16); }

/** Leaves the region for another. What this message has allocated no longer lies in one piece. */
function enter(start: usize, end: usize): void {
  seal();
  left += bump - young;
  escaped = true;
  bump = start;
  young = start;
  regionEnd = end;
}

/** Makes the rest of the region a free block, so that the heap can be walked. */
function seal(): void {
  const rest = regionEnd - bump;
  if (rest != 0) store<u64>(bump, <u64>rest | FREE);
}

// @ts-ignore: decorator
@global @unsafe
export function __new(size: usize, id: u32): usize {
  if (size > MAX_SIZE) unreachable();
  const need = (size + (HEADER + 15)) & ~15;
  const p = take(need);
  store<u64>(p - 16, <u64>(<u32>need | color));
  store<u64>(p - 8, <u64>id | (<u64>size << 32));
  return p;
}

// @ts-ignore: decorator
@global @unsafe
export function __renew(old: usize, size: usize): usize {
  if (size > MAX_SIZE) unreachable();
  if (old >= heapStart) {
    const word = wordOf(old);
    const block = <usize>(word & ~FLAGS);
    if (size + HEADER <= block) {
      store<u32>(old - 4, <u32>size);
      return old;
    }
    const need = (size + (HEADER + 15)) & ~15;
    if (old - HEADER + block == bump && regionEnd - bump >= need - block) {
      // The last object grows where it is.
      if (old < young) escaped = true;
      bump += need - block;
      setWord(old, <u32>need | (word & FLAGS));
      store<u32>(old - 4, <u32>size);
      return old;
    }
  }
  const made = __new(size, load<u32>(old - 8));
  memory.copy(made, old, min<usize>(size, load<u32>(old - 4)));
  return made;
}

// @ts-ignore: decorator
@global @unsafe
export function __link(parent: usize, child: usize, expectMultiple: bool): void {
  if (parent - young < span) return;
  if (child - young < span) escaped = true;
}

// @ts-ignore: decorator
@global @unsafe
export function __alloc(size: usize): usize {
  if (size > MAX_SIZE) unreachable();
  const need = (size + (HEADER + 15)) & ~15;
  let before: usize = 0;
  let tries = RAW_TRIES;
  for (let p = rawFree; p != 0 && tries > 0; p = linkOf(p), tries--) {
    const block = <usize>(wordOf(p) & ~FLAGS);
    if (block >= need && block <= need << 2) {
      if (before == 0) rawFree = linkOf(p);
      else setLink(before, linkOf(p));
      setWord(p, <u32>block | RAW);
      return p;
    }
    before = p;
  }
  const p = take(need);
  escaped = true;
  store<u64>(p - 16, <u64>(<u32>need | RAW));
  return p;
}

// @ts-ignore: decorator
@global @unsafe
export function __free(p: usize): void {
  setWord(p, (wordOf(p) & ~FLAGS) | RAW | FREE);
  setLink(p, rawFree);
  rawFree = p;
}

// @ts-ignore: decorator
@global @unsafe
export function __realloc(p: usize, size: usize): usize {
  const block = <usize>(wordOf(p) & ~FLAGS);
  if (size + HEADER <= block) return p;
  const made = __alloc(size);
  memory.copy(made, p, block - HEADER);
  __free(p);
  return made;
}

/** Objects handed to the host would have to be pinned; a canister hands none. */
// @ts-ignore: decorator
@global @unsafe
export function __pin(p: usize): usize { return p; }
// @ts-ignore: decorator
@global @unsafe
export function __unpin(p: usize): void {}

// @ts-ignore: decorator
@global @unsafe
export function __visit(p: usize, cookie: u32): void {
  if (p == 0) return;
  if (cookie == ESCAPING) {
    if (p - young < span) escaped = true;
    return;
  }
  const word = wordOf(p);
  if (p < heapStart) {
    // Static data: its mark is taken back after the collection.
    if ((word & SEEN) != 0) return;
    setWord(p, word | SEEN);
  } else {
    if ((word & MARK) == color) return;
    setWord(p, word ^ MARK);
  }
  setLink(p, stack);
  stack = p;
}

/** Ends a message: what it allocated and nobody kept is free again. */
// @ts-ignore: decorator
@global @unsafe
export function __collect(): void {
  if (!escaped) __visit_globals(ESCAPING);
  if (!escaped) {
    bump = young;
    return;
  }
  left += bump - young;
  if (left >= due) collectAll();
  young = bump;
  span = regionEnd - bump;
  escaped = false;
}

function collectAll(): void {
  color ^= MARK;
  __visit_globals(MARKING);
  let statics: usize = 0;
  while (stack != 0) {
    const p = stack;
    stack = linkOf(p);
    if (p < heapStart) {
      setLink(p, statics);
      statics = p;
    }
    __visit_members(p, MARKING);
  }
  while (statics != 0) {
    setWord(statics, wordOf(statics) & ~SEEN);
    statics = linkOf(statics);
  }
  seal();
  const living = sweep();
  left = 0;
  due = max<usize>(MIN_GARBAGE, living >> 1);
}

/** Walks all blocks, joins what is free, lists it; returns the bytes alive. Leaves no current region but the top. */
function sweep(): usize {
  let living: usize = 0;
  let last: usize = 0;
  let hole: usize = 0;
  holes = 0;
  rawFree = 0;
  const end = memoryEnd;
  for (let at = heapStart; at < end;) {
    const word = load<u32>(at);
    const size = <usize>(word & ~FLAGS);
    if ((word & FREE) == 0 && ((word & RAW) != 0 || (word & MARK) == color)) {
      living += size;
      hole = 0;
    } else if (hole != 0) {
      // Joins the hole before it.
      store<u32>(hole, load<u32>(hole) + <u32>size);
    } else {
      hole = at;
      store<u64>(at, <u64>(<u32>size | FREE));
    }
    at += size;
    if (hole != 0 && at < end) {
      const next = load<u32>(at);
      const nextLives = (next & FREE) == 0 && ((next & RAW) != 0 || (next & MARK) == color);
      if (nextLives && <usize>(load<u32>(hole) & ~FLAGS) >= MIN_HOLE) {
        const p = hole + HEADER;
        setLink(p, 0);
        if (last == 0) holes = p;
        else setLink(last, p);
        last = p;
      }
    }
  }
  // What is free behind the last living block is the region to go on in.
  bump = hole != 0 ? hole : end;
  regionEnd = end;
  return living;
}
