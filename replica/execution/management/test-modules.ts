/** Small modules for this folder's tests, from Wasm text. */
import wabt from 'wabt';

const tools = await wabt();

export function fromText(text: string): Uint8Array {
  const parsed = tools.parseWat('test.wat', text, { mutable_globals: true });
  try {
    return new Uint8Array(parsed.toBinary({}).buffer);
  } finally {
    parsed.destroy();
  }
}

/** A custom section with this name and content, to be appended to a module. */
export function customSection(name: string, content: string): Uint8Array {
  const payload = Uint8Array.of(name.length, ...Buffer.from(name), ...Buffer.from(content));
  if (payload.length > 127) throw new Error('longer than this helper encodes');
  return Uint8Array.of(0, payload.length, ...payload);
}

const IMPORTS = `
  (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
  (import "ic0" "debug_print" (func $print (param i32 i32)))
  (import "ic0" "certified_data_set" (func $certify (param i32 i32)))
  (import "ic0" "global_timer_set" (func $timer (param i64) (result i64)))
  (import "ic0" "canister_version" (func $version (result i64)))
  (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
  (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
  (import "ic0" "trap" (func $trap (param i32 i32)))`;

/**
 * A module whose entry points leave traces in memory:
 * heap 0.. = argument of init or post_upgrade; heap 1000 = version seen there; stable 0 = version seen in pre_upgrade;
 * global 0 counts entry points run. `preTraps`/`postTraps` make them trap.
 */
export function tracing(options: { traps?: 'init' | 'pre' | 'post'; print?: boolean; extra?: string } = {}): Uint8Array {
  const trap = (when: string) => (options.traps === when ? '(call $trap (i32.const 900) (i32.const 4))' : '');
  return fromText(`(module ${IMPORTS}
    (memory (export "memory") 2)
    (data (i32.const 900) "boom")
    (global $runs (mut i32) (i32.const 0))
    (func $enter
      (global.set $runs (i32.add (global.get $runs) (i32.const 1)))
      (call $arg_copy (i32.const 0) (i32.const 0) (call $arg_size))
      (i64.store (i32.const 1000) (call $version))
      ${options.print ? '(call $print (i32.const 0) (call $arg_size))' : ''})
    (func (export "canister_init")
      (call $enter)
      (call $certify (i32.const 900) (i32.const 4))
      (drop (call $timer (i64.const 77)))
      ${trap('init')})
    (func (export "canister_pre_upgrade")
      (drop (call $grow (i64.const 1)))
      (i64.store (i32.const 2000) (call $version))
      (call $write (i64.const 0) (i64.const 2000) (i64.const 8))
      (drop (call $timer (i64.const 55)))
      ${trap('pre')})
    (func (export "canister_post_upgrade") (call $enter) ${trap('post')})
    (func (export "canister_update ping"))
    ${options.extra ?? ''})`);
}
