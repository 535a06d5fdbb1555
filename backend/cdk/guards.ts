/**
 * Who may call: checks for handlers and for `inspect_message`.
 *
 * inspect_message runs on one replica and only for calls from outside, so it saves cycles but
 * protects nothing: the handler must check again.
 */
import { caller, isController } from "./api";
import * as ic0 from "./ic0";

/** The caller has no key of its own. */
export function callerIsAnonymous(): bool { return caller().isAnonymous; }

/** The caller controls this canister. */
export function callerIsController(): bool { return isController(caller()); }

/**
 * For `inspect_message`: methods that canisters alone may call begin with "c2c_" by our convention;
 * nobody outside has a reason to send them.
 */
export function isForCanisters(method: string): bool { return method.startsWith("c2c_"); }

/**
 * For `inspect_message`: bytes of the argument. Whoever takes a message in pays for each of them, so what no honest
 * caller sends is best refused there.
 */
export function argumentBytes(): u32 { return <u32>ic0.msg_arg_data_size(); }
