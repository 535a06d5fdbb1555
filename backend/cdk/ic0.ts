/**
 * The System API, one declaration per host function, names and widths exactly as in the Interface
 * Specification ("System API (Imports)"). No logic here: pointer work and 128-bit packing are done
 * by the callers in `api.ts`, `calls.ts` and `stable/`.
 *
 * Pointers and sizes are 32-bit. A function used in an entry point that does not allow it traps.
 * Only the functions that a canister really uses end up as imports of its module.
 */

// @ts-ignore: decorator
@external("ic0", "msg_arg_data_size") export declare function msg_arg_data_size(): usize;
// @ts-ignore: decorator
@external("ic0", "msg_arg_data_copy") export declare function msg_arg_data_copy(dst: usize, offset: usize, size: usize): void;
// @ts-ignore: decorator
@external("ic0", "msg_caller_size") export declare function msg_caller_size(): usize;
// @ts-ignore: decorator
@external("ic0", "msg_caller_copy") export declare function msg_caller_copy(dst: usize, offset: usize, size: usize): void;
// @ts-ignore: decorator
@external("ic0", "msg_caller_info_data_size") export declare function msg_caller_info_data_size(): usize;
// @ts-ignore: decorator
@external("ic0", "msg_caller_info_data_copy") export declare function msg_caller_info_data_copy(dst: usize, offset: usize, size: usize): void;
// @ts-ignore: decorator
@external("ic0", "msg_caller_info_signer_size") export declare function msg_caller_info_signer_size(): usize;
// @ts-ignore: decorator
@external("ic0", "msg_caller_info_signer_copy") export declare function msg_caller_info_signer_copy(dst: usize, offset: usize, size: usize): void;
// @ts-ignore: decorator
@external("ic0", "msg_reject_code") export declare function msg_reject_code(): i32;
// @ts-ignore: decorator
@external("ic0", "msg_reject_msg_size") export declare function msg_reject_msg_size(): usize;
// @ts-ignore: decorator
@external("ic0", "msg_reject_msg_copy") export declare function msg_reject_msg_copy(dst: usize, offset: usize, size: usize): void;
// @ts-ignore: decorator
@external("ic0", "msg_deadline") export declare function msg_deadline(): u64;
// @ts-ignore: decorator
@external("ic0", "msg_reply_data_append") export declare function msg_reply_data_append(src: usize, size: usize): void;
// @ts-ignore: decorator
@external("ic0", "msg_reply") export declare function msg_reply(): void;
// @ts-ignore: decorator
@external("ic0", "msg_reject") export declare function msg_reject(src: usize, size: usize): void;
// @ts-ignore: decorator
@external("ic0", "msg_cycles_available128") export declare function msg_cycles_available128(dst: usize): void;
// @ts-ignore: decorator
@external("ic0", "msg_cycles_refunded128") export declare function msg_cycles_refunded128(dst: usize): void;
// @ts-ignore: decorator
@external("ic0", "msg_cycles_accept128") export declare function msg_cycles_accept128(maxHigh: u64, maxLow: u64, dst: usize): void;
// @ts-ignore: decorator
@external("ic0", "cycles_burn128") export declare function cycles_burn128(high: u64, low: u64, dst: usize): void;
// @ts-ignore: decorator
@external("ic0", "canister_self_size") export declare function canister_self_size(): usize;
// @ts-ignore: decorator
@external("ic0", "canister_self_copy") export declare function canister_self_copy(dst: usize, offset: usize, size: usize): void;
// @ts-ignore: decorator
@external("ic0", "canister_cycle_balance128") export declare function canister_cycle_balance128(dst: usize): void;
// @ts-ignore: decorator
@external("ic0", "canister_liquid_cycle_balance128") export declare function canister_liquid_cycle_balance128(dst: usize): void;
// @ts-ignore: decorator
@external("ic0", "canister_status") export declare function canister_status(): i32;
// @ts-ignore: decorator
@external("ic0", "canister_version") export declare function canister_version(): u64;
// @ts-ignore: decorator
@external("ic0", "subnet_self_size") export declare function subnet_self_size(): usize;
// @ts-ignore: decorator
@external("ic0", "subnet_self_copy") export declare function subnet_self_copy(dst: usize, offset: usize, size: usize): void;
// @ts-ignore: decorator
@external("ic0", "msg_method_name_size") export declare function msg_method_name_size(): usize;
// @ts-ignore: decorator
@external("ic0", "msg_method_name_copy") export declare function msg_method_name_copy(dst: usize, offset: usize, size: usize): void;
// @ts-ignore: decorator
@external("ic0", "accept_message") export declare function accept_message(): void;
// @ts-ignore: decorator
@external("ic0", "call_new") export declare function call_new(calleeSrc: usize, calleeSize: usize, nameSrc: usize, nameSize: usize, replyFun: usize, replyEnv: usize, rejectFun: usize, rejectEnv: usize): void;
// @ts-ignore: decorator
@external("ic0", "call_on_cleanup") export declare function call_on_cleanup(fun: usize, env: usize): void;
// @ts-ignore: decorator
@external("ic0", "call_data_append") export declare function call_data_append(src: usize, size: usize): void;
// @ts-ignore: decorator
@external("ic0", "call_with_best_effort_response") export declare function call_with_best_effort_response(timeoutSeconds: u32): void;
// @ts-ignore: decorator
@external("ic0", "call_cycles_add128") export declare function call_cycles_add128(high: u64, low: u64): void;
// @ts-ignore: decorator
@external("ic0", "call_perform") export declare function call_perform(): u32;
// @ts-ignore: decorator
@external("ic0", "stable64_size") export declare function stable64_size(): u64;
// @ts-ignore: decorator
@external("ic0", "stable64_grow") export declare function stable64_grow(pages: u64): i64;
// @ts-ignore: decorator
@external("ic0", "stable64_write") export declare function stable64_write(offset: u64, src: u64, size: u64): void;
// @ts-ignore: decorator
@external("ic0", "stable64_read") export declare function stable64_read(dst: u64, offset: u64, size: u64): void;
// @ts-ignore: decorator
@external("ic0", "root_key_size") export declare function root_key_size(): usize;
// @ts-ignore: decorator
@external("ic0", "root_key_copy") export declare function root_key_copy(dst: usize, offset: usize, size: usize): void;
// @ts-ignore: decorator
@external("ic0", "certified_data_set") export declare function certified_data_set(src: usize, size: usize): void;
// @ts-ignore: decorator
@external("ic0", "data_certificate_present") export declare function data_certificate_present(): i32;
// @ts-ignore: decorator
@external("ic0", "data_certificate_size") export declare function data_certificate_size(): usize;
// @ts-ignore: decorator
@external("ic0", "data_certificate_copy") export declare function data_certificate_copy(dst: usize, offset: usize, size: usize): void;
// @ts-ignore: decorator
@external("ic0", "time") export declare function time(): u64;
// @ts-ignore: decorator
@external("ic0", "global_timer_set") export declare function global_timer_set(timestamp: u64): u64;
// @ts-ignore: decorator
@external("ic0", "performance_counter") export declare function performance_counter(kind: i32): u64;
// @ts-ignore: decorator
@external("ic0", "is_controller") export declare function is_controller(src: usize, size: usize): i32;
// @ts-ignore: decorator
@external("ic0", "in_replicated_execution") export declare function in_replicated_execution(): i32;
// @ts-ignore: decorator
@external("ic0", "cost_call") export declare function cost_call(methodNameSize: u64, payloadSize: u64, dst: usize): void;
// @ts-ignore: decorator
@external("ic0", "cost_create_canister") export declare function cost_create_canister(dst: usize): void;
// @ts-ignore: decorator
@external("ic0", "cost_http_request") export declare function cost_http_request(requestSize: u64, maxResBytes: u64, dst: usize): void;
// @ts-ignore: decorator
@external("ic0", "cost_sign_with_ecdsa") export declare function cost_sign_with_ecdsa(src: usize, size: usize, curve: i32, dst: usize): i32;
// @ts-ignore: decorator
@external("ic0", "cost_sign_with_schnorr") export declare function cost_sign_with_schnorr(src: usize, size: usize, algorithm: i32, dst: usize): i32;
// @ts-ignore: decorator
@external("ic0", "cost_vetkd_derive_key") export declare function cost_vetkd_derive_key(src: usize, size: usize, curve: i32, dst: usize): i32;
// @ts-ignore: decorator
@external("ic0", "env_var_count") export declare function env_var_count(): usize;
// @ts-ignore: decorator
@external("ic0", "env_var_name_size") export declare function env_var_name_size(index: usize): usize;
// @ts-ignore: decorator
@external("ic0", "env_var_name_copy") export declare function env_var_name_copy(index: usize, dst: usize, offset: usize, size: usize): void;
// @ts-ignore: decorator
@external("ic0", "env_var_name_exists") export declare function env_var_name_exists(nameSrc: usize, nameSize: usize): i32;
// @ts-ignore: decorator
@external("ic0", "env_var_value_size") export declare function env_var_value_size(nameSrc: usize, nameSize: usize): usize;
// @ts-ignore: decorator
@external("ic0", "env_var_value_copy") export declare function env_var_value_copy(nameSrc: usize, nameSize: usize, dst: usize, offset: usize, size: usize): void;
// @ts-ignore: decorator
@external("ic0", "debug_print") export declare function debug_print(src: usize, size: usize): void;
// @ts-ignore: decorator
@external("ic0", "trap") export declare function trap(src: usize, size: usize): void;
