// SPDX-License-Identifier: Apache-2.0

/// A token with its credential, as a pool hands it to a session.
package struct VendedToken: Sendable {
  package var secret: Secret
  /// The receiver's own account of it: its uses are those that were granted to this receiver.
  package var machine: TokenMachine

  package init(secret: Secret, machine: TokenMachine) {
    self.secret = secret
    self.machine = machine
  }
}

/// The token of one session.
///
/// It lives on its session's shard and is driven from there through doors: every method is
/// synchronous, so nothing comes between a question and what is done with the answer. It is a
/// sibling of the session's own actor, so that a restarted session finds its token where it was.
package actor Token {
  private let residence: Residence
  private let secret: Secret
  private var machine: TokenMachine

  package nonisolated var unownedExecutor: UnownedSerialExecutor {
    residence.executor.asUnownedSerialExecutor()
  }

  package init(_ vended: VendedToken, at residence: Residence) {
    self.residence = residence
    secret = vended.secret
    machine = vended.machine
    Census.actorBegan()
  }

  deinit { Census.actorEnded() }

  /// Tells the token what happened.
  package func handle(_ input: TokenMachine.Input, at now: EngineInstant) -> TokenMachine.Answer {
    machine.handle(input, at: now)
  }

  /// The credential for a new session, taking one use; nil if none may be begun now.
  package func start(at now: EngineInstant, margin: TokenMargins) -> Secret? {
    guard machine.canStart(at: now, margin: margin) else { return nil }
    _ = machine.handle(.sessionStarted, at: now)
    return secret
  }

  /// The credential for a resume, nil if its life does not outlast one. A use is taken if there is
  /// one left, since services were seen to count resumes.
  package func resume(at now: EngineInstant, margin: TokenMargins) -> Secret? {
    guard machine.canResume(at: now, margin: margin) else { return nil }
    _ = machine.handle(.sessionStarted, at: now)
    return secret
  }

  /// The credential itself, for a dial that was just found permitted.
  package var credential: Secret { secret }

  /// What the machine knows, for questions that change nothing.
  package var snapshot: TokenMachine { machine }

  /// When its life ends, nil if it has none.
  package var expiresAt: EngineInstant? { machine.expiresAt }

  /// Whether a new session may be begun with it.
  package func canStart(at now: EngineInstant, margin: TokenMargins) -> Bool {
    machine.canStart(at: now, margin: margin)
  }

  /// Whether a session may be resumed with it.
  package func canResume(at now: EngineInstant, margin: TokenMargins) -> Bool {
    machine.canResume(at: now, margin: margin)
  }
}
