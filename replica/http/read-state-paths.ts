/**
 * Which paths `read_state` may be asked for, by endpoint and API generation.
 * Pure: what needs the state (who sent a request, whether metadata is private) is returned as checks for the subnet.
 * Source: Interface Spec, "Request: Read state"; HTTP sheet §5.
 */
import { Principal } from '../types/principal.ts';
import { equalBytes, toHex, utf8, utf8Decode } from '../codec/bytes.ts';
import type { Hide, Path } from '../codec/hash-tree.ts';
import type { ReadStateCheck, Target } from './replica-port.ts';

export interface PathRules {
  readonly target: Target;
  readonly apiVersion: 2 | 3;
  /** Id of the root subnet, whose flat ranges stay readable in API version 3. */
  readonly rootSubnetId: Uint8Array;
}

export interface PathRefusal {
  readonly httpStatus: 400 | 404;
  readonly text: string;
}

const MAX_PRINCIPAL_BYTES = 29;
const REQUEST_ID_BYTES = 32;
const SUBNET_LEAVES = new Set(['public_key', 'type']);
const CANISTER_LEAVES = new Set(['controllers', 'module_hash', 'canister_creation_timestamp', 'last_install_timestamp']);
const BOUNDARY_NODE_LEAVES = new Set(['domain', 'ipv4_address', 'ipv6_address']);
const REQUEST_STATUS_LEAVES = new Set(['status', 'reply', 'reject_code', 'reject_message', 'error_code']);

const INVALID: PathRefusal = { httpStatus: 404, text: 'Invalid path requested.' };

/** The checks that the subnet must make, or why the request is refused as a whole. */
export function checkReadStatePaths(paths: readonly Path[], rules: PathRules): readonly ReadStateCheck[] | PathRefusal {
  const checks: ReadStateCheck[] = [];
  let requestId: Uint8Array | undefined;
  let shardedSubnet: Uint8Array | undefined;
  for (const path of paths) {
    const refusal = checkPath(path, rules);
    if (refusal !== undefined) return refusal;
    const [first, second, , fourth] = path;
    switch (utf8Decode(first!)) {
      case 'request_status':
        if (requestId !== undefined && !equalBytes(requestId, second!)) {
          return { httpStatus: 400, text: 'Can only request a single request ID in request_status paths.' };
        }
        if (requestId === undefined) checks.push({ kind: 'request-status', requestId: second! });
        requestId = second!;
        break;
      case 'canister_ranges':
        if (shardedSubnet !== undefined && !equalBytes(shardedSubnet, second!)) {
          return { httpStatus: 400, text: 'Can only request a single subnet ID in canister_ranges paths.' };
        }
        shardedSubnet = second!;
        break;
      case 'canister':
        if (fourth !== undefined) checks.push({ kind: 'metadata', canisterId: second!, name: fourth });
        break;
      default:
    }
  }
  return checks;
}

function checkPath(path: Path, rules: PathRules): PathRefusal | undefined {
  const [first, second] = path;
  if (first === undefined) return INVALID;
  const third = path[2] === undefined ? undefined : utf8Decode(path[2]);
  const onSubnet = rules.target.kind === 'subnet';
  switch (utf8Decode(first)) {
    case 'time':
      return path.length === 1 ? undefined : INVALID;
    case 'api_boundary_nodes':
      if (path.length <= 2 || (path.length === 3 && third !== undefined && BOUNDARY_NODE_LEAVES.has(third))) {
        return second === undefined ? undefined : checkPrincipal(second);
      }
      return INVALID;
    case 'subnet':
      return second === undefined ? undefined : (checkPrincipal(second) ?? checkSubnetPath(path, second, third, rules));
    case 'canister_ranges':
      return onSubnet && path.length === 2 ? checkPrincipal(second!) : INVALID;
    case 'request_status':
      if (path.length < 2 || path.length > 3) return INVALID;
      if (path.length === 3 && (third === undefined || !REQUEST_STATUS_LEAVES.has(third))) return INVALID;
      return second!.length === REQUEST_ID_BYTES
        ? undefined
        : { httpStatus: 400, text: `Invalid request id: expected ${REQUEST_ID_BYTES} bytes, got ${second!.length}.` };
    case 'canister':
      return onSubnet || second === undefined ? INVALID : (checkPrincipal(second) ?? checkCanisterPath(path, second, third, rules));
    default:
      return INVALID;
  }
}

function checkSubnetPath(path: Path, subnetId: Uint8Array, leaf: string | undefined, rules: PathRules): PathRefusal | undefined {
  if (path.length === 2) return undefined;
  if (leaf === 'node') {
    if (path.length === 3) return undefined;
    if (path.length === 4 || (path.length === 5 && utf8Decode(path[4]!) === 'public_key')) return checkPrincipal(path[3]!);
    return INVALID;
  }
  if (path.length !== 3 || leaf === undefined) return INVALID;
  if (SUBNET_LEAVES.has(leaf)) return undefined;
  if (leaf === 'canister_ranges') {
    return rules.apiVersion === 2 || equalBytes(subnetId, rules.rootSubnetId) ? undefined : INVALID;
  }
  if (leaf === 'metrics' && rules.target.kind === 'subnet') {
    return equalBytes(subnetId, rules.target.subnetId) ? undefined : mismatch(rules.target.subnetId, subnetId);
  }
  return INVALID;
}

function checkCanisterPath(path: Path, canisterId: Uint8Array, leaf: string | undefined, rules: PathRules): PathRefusal | undefined {
  if (leaf === 'metadata' ? path.length !== 4 : path.length !== 3 || leaf === undefined || !CANISTER_LEAVES.has(leaf)) return INVALID;
  if (rules.target.kind === 'canister' && !equalBytes(canisterId, rules.target.effectiveCanisterId)) {
    return mismatch(rules.target.effectiveCanisterId, canisterId);
  }
  if (path.length === 4 && utf8Decode(path[3]!) === undefined) {
    return { httpStatus: 400, text: `Could not parse the custom section name at ${toHex(path[3]!)} as UTF-8.` };
  }
  return undefined;
}

function checkPrincipal(bytes: Uint8Array): PathRefusal | undefined {
  return bytes.length <= MAX_PRINCIPAL_BYTES
    ? undefined
    : { httpStatus: 400, text: `Could not parse principal ID: ${bytes.length} bytes are more than ${MAX_PRINCIPAL_BYTES}.` };
}

function mismatch(effective: Uint8Array, requested: Uint8Array): PathRefusal {
  const [inUrl, inPath] = [effective, requested].map((bytes) => Principal.fromBytes(bytes).toText());
  return {
    httpStatus: 400,
    text: `Effective principal id in URL ${inUrl} does not match requested principal id: ${inPath}.`,
  };
}

const SUBNET = utf8('subnet');
const METRICS = utf8('metrics');
const CANISTER_RANGES = utf8('canister_ranges');

/** What to prune below a revealed path (`/subnet`, `/subnet/<id>`), for `witness` in codec/hash-tree.ts. */
export function isHiddenFromReadState(rules: PathRules): Hide {
  return (path) => {
    if (path.length !== 3 || !equalBytes(path[0]!, SUBNET)) return false;
    if (equalBytes(path[2]!, METRICS)) {
      return rules.target.kind !== 'subnet' || !equalBytes(path[1]!, rules.target.subnetId);
    }
    return (
      rules.apiVersion === 3 && equalBytes(path[2]!, CANISTER_RANGES) && !equalBytes(path[1]!, rules.rootSubnetId)
    );
  };
}
