/**
 * The endpoints of the public interface: bytes of a request in, answer out. No sockets, no clock of their own.
 *
 * Every check that needs no replicated state is made here, in the order of the public replica, before the subnet is
 * bothered. Source: Interface Spec, "HTTPS interface"; HTTP sheet §1 to §5.
 */
import { Principal } from '../types/principal.ts';
import { equalBytes, inOnePiece, utf8 } from '../codec/bytes.ts';
import { authenticate, EnvelopeFormatError, InvalidRequestError, parseEnvelope } from '../crypto/ingress-validation.ts';
import type { Authentication, CallContent, Envelope, RequestType } from '../crypto/ingress-validation.ts';
import type { Answer } from './answer.ts';
import { acceptedAnswer, cborAnswer, textAnswer, unavailableAnswer } from './answer.ts';
import { checkReadStatePaths } from './read-state-paths.ts';
import type { PathRefusal } from './read-state-paths.ts';
import type {
  QueryOutcome,
  ReadStateCheck,
  ReplicaPort,
  SubmitOutcome,
  Target,
  UserError,
  ValidatedRequest,
  WaitFor,
} from './replica-port.ts';
import type { Timer } from './timer.ts';

/** How long a synchronous call waits before the client is told to poll. */
export const SYNC_CALL_TIMEOUT_MS = 10_000;

export interface EndpointContext {
  readonly network: ReplicaPort;
  readonly timer: Timer;
}

const MANAGEMENT = new Uint8Array(0);
/** Management methods for which any effective canister id will do. */
const CREATION_METHODS = new Set(['create_canister', 'provisional_create_canister_with_cycles']);
const SUBNET_CALL_METHODS = CREATION_METHODS;
const SUBNET_QUERY_METHODS = new Set(['list_canisters']);

export function statusAnswer({ network }: EndpointContext): Answer {
  const { rootKey, health, certifiedHeight, implVersion } = network.status();
  return cborAnswer({
    root_key: rootKey,
    impl_version: implVersion,
    replica_health_status: health,
    certified_height: certifiedHeight,
  });
}

function unhealthyAnswer(network: ReplicaPort): Answer | undefined {
  const { health } = network.status();
  if (health === 'healthy') return undefined;
  return textAnswer(503, `Replica is unhealthy: ${health}. Check the /api/v2/status for more information.`);
}

const KIND_WORD: Record<RequestType, string> = { call: 'call', query: 'query', read_state: 'read state' };

/** Parsed and authenticated, or the answer that says why not. `beforeAuthentication` may refuse in between. */
function open<T extends RequestType>(
  network: ReplicaPort,
  body: Uint8Array,
  requestType: T,
  beforeAuthentication: (envelope: Envelope<T>) => Answer | undefined,
): { envelope: Envelope<T>; authentication: Authentication } | Answer {
  let envelope: Envelope<T>;
  try {
    envelope = parseEnvelope(body, requestType);
  } catch (error) {
    if (error instanceof EnvelopeFormatError) {
      return textAnswer(400, `Could not parse body as ${KIND_WORD[requestType]} message: ${error.message}`);
    }
    throw error;
  }
  const refused = beforeAuthentication(envelope);
  if (refused !== undefined) return refused;
  try {
    const context = { nowNanos: network.nowNanos(), rootKeyDer: network.status().rootKey };
    return { envelope, authentication: authenticate(envelope, context) };
  } catch (error) {
    if (error instanceof InvalidRequestError) return textAnswer(400, error.message);
    throw error;
  }
}

function principalText(bytes: Uint8Array): string {
  return Principal.fromBytes(bytes).toText();
}

function effectiveId(target: Target): Uint8Array {
  return target.kind === 'canister' ? target.effectiveCanisterId : target.subnetId;
}

/** The URL must name the canister that is called; management calls may name any (routing goes by it). */
function targetMismatch(content: CallContent, target: Target, subnetMethods: ReadonlySet<string>): Answer | undefined {
  const toManagement = equalBytes(content.canisterId, MANAGEMENT);
  if (target.kind === 'subnet') {
    if (toManagement && subnetMethods.has(content.methodName)) return undefined;
    return textAnswer(400, `Method ${JSON.stringify(content.methodName)} of canister ${principalText(content.canisterId)} may not be called on a subnet.`);
  }
  if (toManagement || equalBytes(content.canisterId, target.effectiveCanisterId)) return undefined;
  return textAnswer(
    400,
    `Specified CanisterId ${principalText(content.canisterId)} does not match effective canister id in URL ` +
      principalText(target.effectiveCanisterId),
  );
}

/** Its bytes lie together: it goes to the thread of the subnet. */
function validated({ content, requestId: id }: Envelope<'call' | 'query'>, target: Target, envelopeBytes: number): ValidatedRequest {
  const { methodName, ingressExpiryNanos, senderInfo } = content;
  const bytes = inOnePiece([id, content.sender, content.canisterId, content.arg, effectiveId(target)]);
  const [requestId, sender, canisterId, arg, effective] = bytes as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  return { requestId, sender, canisterId, methodName, arg, ingressExpiryNanos, senderInfo, effectiveId: effective, envelopeBytes };
}

/**
 * The serving subnet. Canisters may be created with any effective id; then the root subnet serves: its certificates
 * need no delegation, and clients would refuse one whose ranges do not cover the id that they used.
 */
function serving(network: ReplicaPort, target: Target, content: CallContent | undefined): Uint8Array | Answer {
  const subnetId = network.subnetOf(target);
  if (subnetId !== undefined) return subnetId;
  if (content !== undefined && equalBytes(content.canisterId, MANAGEMENT) && CREATION_METHODS.has(content.methodName)) {
    const [root] = network.subnetIds();
    if (root !== undefined) return root;
  }
  const id = principalText(effectiveId(target));
  return target.kind === 'subnet'
    ? textAnswer(400, `error: subnet_not_found\ndetails: The specified subnet ${id} does not exist.`)
    : textAnswer(400, `error: canister_not_found\ndetails: The specified canister ${id} does not exist.`);
}

function isAnswer(value: object): value is Answer {
  return 'status' in value;
}

export async function callAnswer(context: EndpointContext, target: Target, version: 2 | 3 | 4, body: Uint8Array): Promise<Answer> {
  const { network } = context;
  const unhealthy = unhealthyAnswer(network);
  if (unhealthy !== undefined) return unhealthy;
  let subnetId: Uint8Array = MANAGEMENT;
  const opened = open(network, body, 'call', (envelope) => {
    const mismatch = targetMismatch(envelope.content, target, SUBNET_CALL_METHODS);
    if (mismatch !== undefined) return mismatch;
    const served = serving(network, target, envelope.content);
    if (!(served instanceof Uint8Array)) return served;
    subnetId = served;
    const max = network.maxIngressBytes(subnetId);
    if (body.length <= max) return undefined;
    return textAnswer(413, `Request ${Buffer.from(envelope.requestId).toString('hex')} is too large. Message byte size ${body.length} is larger than the max allowed ${max}.`);
  });
  if (isAnswer(opened)) return opened;
  const request = validated(opened.envelope, target, body.length);
  const waitFor: WaitFor = version === 2 ? 'acceptance' : 'certificate';
  const submitted = network.submitIngress(subnetId, request, waitFor);
  const outcome = version === 2 ? await submitted : await orTimeout(context.timer, submitted);
  return submitAnswer(outcome, version);
}

function orTimeout(timer: Timer, submitted: Promise<SubmitOutcome>): Promise<SubmitOutcome | 'timeout'> {
  return new Promise((resolve, reject) => {
    const cancel = timer.after(SYNC_CALL_TIMEOUT_MS, () => resolve('timeout'));
    submitted.then(resolve, reject).finally(cancel);
  });
}

function submitAnswer(outcome: SubmitOutcome | 'timeout', version: 2 | 3 | 4): Answer {
  if (outcome === 'timeout') {
    return acceptedAnswer('Message did not complete execution and certification within the replica defined timeout.');
  }
  switch (outcome.kind) {
    case 'accepted':
      return version === 2 ? acceptedAnswer() : acceptedAnswer('Certified state is not available. Please try polling for the result.');
    case 'duplicate':
      return version === 2 ? acceptedAnswer() : acceptedAnswer('Duplicate request. Message is already being tracked and executed.');
    case 'certified':
      return version === 2 ? acceptedAnswer() : cborAnswer({ status: 'replied', certificate: outcome.certificate });
    case 'rejected':
      return version === 2
        ? cborAnswer(rejectFields(outcome.error))
        : cborAnswer({ status: 'non_replicated_rejection', ...rejectFields(outcome.error) });
    case 'unavailable':
      return unavailableAnswer(outcome);
  }
}

function rejectFields(error: UserError): { reject_code: number; reject_message: string; error_code: string } {
  return { reject_code: error.rejectCode, reject_message: error.rejectMessage, error_code: error.errorCode };
}

export async function queryAnswer({ network }: EndpointContext, target: Target, body: Uint8Array): Promise<Answer> {
  const unhealthy = unhealthyAnswer(network);
  if (unhealthy !== undefined) return unhealthy;
  let subnetId: Uint8Array = MANAGEMENT;
  const opened = open(network, body, 'query', (envelope) => {
    const mismatch = targetMismatch(envelope.content, target, SUBNET_QUERY_METHODS);
    if (mismatch !== undefined) return mismatch;
    const served = serving(network, target, undefined);
    if (!(served instanceof Uint8Array)) return served;
    subnetId = served;
    return undefined;
  });
  if (isAnswer(opened)) return opened;
  return queryOutcomeAnswer(await network.query(subnetId, validated(opened.envelope, target, body.length)));
}

function queryOutcomeAnswer(outcome: QueryOutcome): Answer {
  if (outcome.kind === 'unavailable') return unavailableAnswer(outcome);
  const { timestampNanos, signature, identity } = outcome.signature;
  const signatures = [{ timestamp: timestampNanos, signature, identity }];
  return outcome.kind === 'replied'
    ? cborAnswer({ status: 'replied', reply: { arg: outcome.arg }, signatures })
    : cborAnswer({ status: 'rejected', ...rejectFields(outcome.error), signatures });
}

const TIME_PATH = [utf8('time')];

export async function readStateAnswer({ network }: EndpointContext, target: Target, version: 2 | 3, body: Uint8Array): Promise<Answer> {
  const unhealthy = unhealthyAnswer(network);
  if (unhealthy !== undefined) return unhealthy;
  let subnetId: Uint8Array = MANAGEMENT;
  const opened = open(network, body, 'read_state', () => {
    const served = serving(network, target, undefined);
    if (!(served instanceof Uint8Array)) {
      // A client that created canisters under the management canister's id polls there too; see `serving`.
      const [root] = network.subnetIds();
      if (target.kind !== 'canister' || target.effectiveCanisterId.length !== 0 || root === undefined) return served;
      subnetId = root;
      return undefined;
    }
    subnetId = served;
    return undefined;
  });
  if (isAnswer(opened)) return opened;
  const { content } = opened.envelope;
  const rootSubnetId = network.subnetIds()[0] ?? MANAGEMENT;
  const checks = checkReadStatePaths(content.paths, { target, apiVersion: version, rootSubnetId });
  if (isRefusal(checks)) return textAnswer(checks.httpStatus, checks.text);
  const outcome = await network.readState(subnetId, {
    target,
    sender: content.sender,
    delegationTargets: opened.authentication.targets,
    paths: [TIME_PATH, ...content.paths],
    checks,
    apiVersion: version,
  });
  switch (outcome.kind) {
    case 'certificate':
      return cborAnswer({ certificate: outcome.certificate });
    case 'refused':
      return textAnswer(outcome.httpStatus, outcome.text);
    case 'unavailable':
      return unavailableAnswer(outcome);
  }
}

function isRefusal(value: readonly ReadStateCheck[] | PathRefusal): value is PathRefusal {
  return 'httpStatus' in value;
}
