/**
 * One height of the subnet, certified: the tree, and on demand the signature on its root and certificates from it.
 *
 * The signature takes a millisecond, so it is made when a certificate is first asked for, and once.
 */
import { sealedTree, sealOf } from '../codec/certificate.ts';
import type { Delegation, Seal } from '../codec/certificate.ts';
import type { HashTree, Hide, Path } from '../codec/hash-tree.ts';
import { witness } from '../codec/hash-tree.ts';
import type { TimeNanos } from '../types/messages.ts';

export interface Signer {
  /** 48 bytes over the state-root payload of the hash. */
  signRoot(rootHash: Uint8Array): Uint8Array;
  /** Undefined on the root subnet. */
  delegation(): Delegation | undefined;
}

export class CertifiedHeight {
  readonly height: number;
  readonly timeNanos: TimeNanos;
  readonly tree: HashTree;
  readonly #signer: Signer;
  #signature: Uint8Array | undefined;
  /** A new delegation comes seldom, but it comes. */
  #sealed: { readonly by: Uint8Array | undefined; readonly seal: Seal } | undefined;

  constructor(height: number, timeNanos: TimeNanos, tree: HashTree, signer: Signer) {
    this.height = height;
    this.timeNanos = timeNanos;
    this.tree = tree;
    this.#signer = signer;
  }

  get signature(): Uint8Array {
    return (this.#signature ??= this.#signer.signRoot(this.tree.digest()));
  }

  get delegation(): Delegation | undefined {
    return this.#signer.delegation();
  }

  /** An encoded certificate that reveals what is at the paths, or proves it absent. */
  certificate(paths: readonly Path[], hide?: Hide): Uint8Array {
    return sealedTree(witness(this.tree, paths, hide), this.#seal());
  }

  #seal(): Seal {
    const { delegation } = this;
    if (!this.#sealed || this.#sealed.by !== delegation?.certificate) {
      this.#sealed = { by: delegation?.certificate, seal: sealOf(this.signature, delegation) };
    }
    return this.#sealed.seal;
  }
}
